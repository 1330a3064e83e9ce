//! Eight doubles at a time, in the same operations and the same order on every CPU, so with the same bits.
//!
//! A kernel is written once, generic over [`Lanes`], and compiled three times: for AVX-512, for AVX2 with FMA, and for
//! any CPU. [`vectorised!`] makes the function that chooses among them by what the CPU has. Every multiplication that
//! is followed by an addition is fused in all three.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Numbers in a [`Lanes`].
pub const LANES: usize = 8;

/// Eight doubles.
///
/// # Safety
/// The methods may be called only where the CPU has the instructions of the implementation; `load` and `store` read and
/// write eight doubles.
pub unsafe trait Lanes: Copy {
    /// Eight doubles from memory.
    unsafe fn load(from: *const f64) -> Self;
    /// Eight doubles to memory.
    unsafe fn store(self, to: *mut f64);
    /// Eight times the same.
    unsafe fn splat(x: f64) -> Self;
    /// `self + other`.
    unsafe fn add(self, other: Self) -> Self;
    /// `self · other`.
    unsafe fn mul(self, other: Self) -> Self;
    /// `self + a·b`, rounded once.
    unsafe fn add_product(self, a: Self, b: Self) -> Self;
    /// `self − a·b`, rounded once.
    unsafe fn subtract_product(self, a: Self, b: Self) -> Self;
    /// 0 where |x| < `limit`.
    unsafe fn flush(self, limit: f64) -> Self;
}

/// The sum over the lanes, always in the same order.
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
pub unsafe fn sum<L: Lanes>(x: L) -> f64 {
    let mut l = [0.0; LANES];
    unsafe { x.store(l.as_mut_ptr()) };
    ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]))
}

/// For any CPU.
#[derive(Clone, Copy)]
pub struct Portable([f64; LANES]);

impl Portable {
    #[inline(always)]
    fn each(self, f: impl Fn(usize, f64) -> f64) -> Portable {
        Portable(std::array::from_fn(|i| f(i, self.0[i])))
    }
}

unsafe impl Lanes for Portable {
    #[inline(always)]
    unsafe fn load(from: *const f64) -> Portable {
        // Safety: the caller's.
        Portable(unsafe { from.cast::<[f64; LANES]>().read() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // Safety: the caller's.
        unsafe { to.cast::<[f64; LANES]>().write(self.0) };
    }
    #[inline(always)]
    unsafe fn splat(x: f64) -> Portable {
        Portable([x; LANES])
    }
    #[inline(always)]
    unsafe fn add(self, other: Portable) -> Portable {
        self.each(|i, x| x + other.0[i])
    }
    #[inline(always)]
    unsafe fn mul(self, other: Portable) -> Portable {
        self.each(|i, x| x * other.0[i])
    }
    #[inline(always)]
    unsafe fn add_product(self, a: Portable, b: Portable) -> Portable {
        self.each(|i, x| a.0[i].mul_add(b.0[i], x))
    }
    #[inline(always)]
    unsafe fn subtract_product(self, a: Portable, b: Portable) -> Portable {
        self.each(|i, x| (-a.0[i]).mul_add(b.0[i], x))
    }
    #[inline(always)]
    unsafe fn flush(self, limit: f64) -> Portable {
        self.each(|_, x| if x.abs() < limit { 0.0 } else { x })
    }
}

/// For CPUs with AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub struct Avx2(__m256d, __m256d);

#[cfg(target_arch = "x86_64")]
unsafe impl Lanes for Avx2 {
    #[inline(always)]
    unsafe fn load(from: *const f64) -> Avx2 {
        // Safety: the caller's, here and below.
        unsafe { Avx2(_mm256_loadu_pd(from), _mm256_loadu_pd(from.add(4))) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        unsafe {
            _mm256_storeu_pd(to, self.0);
            _mm256_storeu_pd(to.add(4), self.1);
        }
    }
    #[inline(always)]
    unsafe fn splat(x: f64) -> Avx2 {
        unsafe { Avx2(_mm256_set1_pd(x), _mm256_set1_pd(x)) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Avx2) -> Avx2 {
        unsafe { Avx2(_mm256_add_pd(self.0, other.0), _mm256_add_pd(self.1, other.1)) }
    }
    #[inline(always)]
    unsafe fn mul(self, other: Avx2) -> Avx2 {
        unsafe { Avx2(_mm256_mul_pd(self.0, other.0), _mm256_mul_pd(self.1, other.1)) }
    }
    #[inline(always)]
    unsafe fn add_product(self, a: Avx2, b: Avx2) -> Avx2 {
        unsafe { Avx2(_mm256_fmadd_pd(a.0, b.0, self.0), _mm256_fmadd_pd(a.1, b.1, self.1)) }
    }
    #[inline(always)]
    unsafe fn subtract_product(self, a: Avx2, b: Avx2) -> Avx2 {
        unsafe { Avx2(_mm256_fnmadd_pd(a.0, b.0, self.0), _mm256_fnmadd_pd(a.1, b.1, self.1)) }
    }
    #[inline(always)]
    unsafe fn flush(self, limit: f64) -> Avx2 {
        unsafe {
            let (sign, limit) = (_mm256_set1_pd(-0.0), _mm256_set1_pd(limit));
            let keep = |x| _mm256_and_pd(x, _mm256_cmp_pd::<_CMP_NLT_UQ>(_mm256_andnot_pd(sign, x), limit));
            Avx2(keep(self.0), keep(self.1))
        }
    }
}

/// For CPUs with AVX-512.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub struct Avx512(__m512d);

#[cfg(target_arch = "x86_64")]
unsafe impl Lanes for Avx512 {
    #[inline(always)]
    unsafe fn load(from: *const f64) -> Avx512 {
        // Safety: the caller's, here and below.
        Avx512(unsafe { _mm512_loadu_pd(from) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        unsafe { _mm512_storeu_pd(to, self.0) };
    }
    #[inline(always)]
    unsafe fn splat(x: f64) -> Avx512 {
        Avx512(unsafe { _mm512_set1_pd(x) })
    }
    #[inline(always)]
    unsafe fn add(self, other: Avx512) -> Avx512 {
        Avx512(unsafe { _mm512_add_pd(self.0, other.0) })
    }
    #[inline(always)]
    unsafe fn mul(self, other: Avx512) -> Avx512 {
        Avx512(unsafe { _mm512_mul_pd(self.0, other.0) })
    }
    #[inline(always)]
    unsafe fn add_product(self, a: Avx512, b: Avx512) -> Avx512 {
        Avx512(unsafe { _mm512_fmadd_pd(a.0, b.0, self.0) })
    }
    #[inline(always)]
    unsafe fn subtract_product(self, a: Avx512, b: Avx512) -> Avx512 {
        Avx512(unsafe { _mm512_fnmadd_pd(a.0, b.0, self.0) })
    }
    #[inline(always)]
    unsafe fn flush(self, limit: f64) -> Avx512 {
        unsafe {
            let keep = _mm512_cmp_pd_mask::<_CMP_NLT_UQ>(_mm512_abs_pd(self.0), _mm512_set1_pd(limit));
            Avx512(_mm512_maskz_mov_pd(keep, self.0))
        }
    }
}

/// The instructions that kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isa {
    /// AVX-512 F.
    Avx512,
    /// AVX2 and FMA.
    Avx2,
    /// Whatever the CPU is sure to have.
    Portable,
}

impl Isa {
    /// The best that this CPU has.
    pub fn detect() -> Isa {
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx512f") {
                return Isa::Avx512;
            }
            if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                return Isa::Avx2;
            }
        }
        Isa::Portable
    }
}

/// `vectorised!(pub fn name(isa; a: A, …) -> R = kernel)` makes `name`, which runs the generic `kernel::<L>` compiled for
/// `isa`.
///
/// The safety of a call is that of the kernel; that `isa` came from [`Isa::detect`] is the caller's part.
macro_rules! vectorised {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($isa:ident; $($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)? = $kernel:ident) => {
        $(#[$doc])*
        $vis unsafe fn $name($isa: $crate::train::lanes::Isa, $($arg: $type),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f")]
            unsafe fn avx512($($arg: $type),*) $(-> $ret)? {
                // Safety: the caller's.
                unsafe { $kernel::<$crate::train::lanes::Avx512>($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2($($arg: $type),*) $(-> $ret)? {
                // Safety: the caller's.
                unsafe { $kernel::<$crate::train::lanes::Avx2>($($arg),*) }
            }
            // Safety: the caller's; `isa` is what the CPU has.
            unsafe {
                match $isa {
                    #[cfg(target_arch = "x86_64")]
                    $crate::train::lanes::Isa::Avx512 => avx512($($arg),*),
                    #[cfg(target_arch = "x86_64")]
                    $crate::train::lanes::Isa::Avx2 => avx2($($arg),*),
                    _ => $kernel::<$crate::train::lanes::Portable>($($arg),*),
                }
            }
        }
    };
}
pub(crate) use vectorised;

/// Doubles that begin on a cache line, all zero at first.
#[derive(Debug, Clone)]
pub struct Aligned(Vec<Line>);

#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([f64; LANES]);

impl Aligned {
    /// At least `len` zeros, a whole number of lines.
    pub fn zeros(len: usize) -> Aligned {
        Aligned(vec![Line([0.0; LANES]); len.div_ceil(LANES)])
    }
}

impl std::ops::Deref for Aligned {
    type Target = [f64];
    fn deref(&self) -> &[f64] {
        // Safety: a line is eight doubles and nothing else.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * LANES) }
    }
}

impl std::ops::DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f64] {
        // Safety: a line is eight doubles and nothing else.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * LANES) }
    }
}

/// `n` rounded up to whole lanes.
pub fn padded(n: usize) -> usize {
    n.next_multiple_of(LANES)
}
