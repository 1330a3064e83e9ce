//! Sixty-four bytes of numbers at a time, in the same operations and the same order on every CPU, so with the same bits.
//!
//! A kernel is written once, generic over [`Lanes`], and compiled three times for each type of number: for AVX-512, for
//! AVX2 with FMA, and for any CPU. [`vectorised!`] makes the function that chooses among them by what the CPU has. Every
//! multiplication that is followed by an addition is fused in all three.

use super::real::{Float, Real};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;
use std::marker::PhantomData;

/// Eight numbers of 64 bits, or sixteen of 32.
///
/// # Safety
/// The methods may be called only where the CPU has the instructions of the implementation; `load` and `store` read and
/// write `COUNT` numbers.
pub unsafe trait Lanes: Copy {
    /// What is in a lane.
    type Scalar: Real;
    /// Lanes.
    const COUNT: usize;

    /// From memory.
    unsafe fn load(from: *const Self::Scalar) -> Self;
    /// To memory.
    unsafe fn store(self, to: *mut Self::Scalar);
    /// The same in every lane.
    unsafe fn splat(x: Self::Scalar) -> Self;
    /// `self + other`.
    unsafe fn add(self, other: Self) -> Self;
    /// `self · other`.
    unsafe fn mul(self, other: Self) -> Self;
    /// `self / other`.
    unsafe fn div(self, other: Self) -> Self;
    /// `self + a·b`, rounded once.
    unsafe fn add_product(self, a: Self, b: Self) -> Self;
    /// `self − a·b`, rounded once.
    unsafe fn subtract_product(self, a: Self, b: Self) -> Self;
    /// 0 where |x| < `limit`.
    unsafe fn flush(self, limit: Self::Scalar) -> Self;
    /// Transposes a square of `COUNT` rows and columns; rows are `from_stride` and `to_stride` apart.
    #[inline(always)]
    unsafe fn transpose(from: *const Self::Scalar, from_stride: usize, to: *mut Self::Scalar, to_stride: usize) {
        // Safety: the caller's.
        unsafe {
            for j in 0..Self::COUNT {
                for i in 0..Self::COUNT {
                    *to.add(j * to_stride + i) = *from.add(i * from_stride + j);
                }
            }
        }
    }
}

/// The sum over the lanes, always in the same order: halves are added until one is left.
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
pub unsafe fn sum<L: Lanes>(x: L) -> L::Scalar {
    let mut lanes = [L::Scalar::default(); 16];
    // Safety: no lanes are more than sixteen.
    unsafe { x.store(lanes.as_mut_ptr()) };
    let mut half = L::COUNT;
    while half > 1 {
        half /= 2;
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
    }
    lanes[0]
}

macro_rules! portable {
    ($name:ident, $type:ident, $count:literal) => {
        /// For any CPU.
        #[derive(Clone, Copy)]
        pub struct $name([$type; $count]);

        impl $name {
            #[inline(always)]
            fn each(self, f: impl Fn(usize, $type) -> $type) -> $name {
                $name(std::array::from_fn(|i| f(i, self.0[i])))
            }
        }

        unsafe impl Lanes for $name {
            type Scalar = $type;
            const COUNT: usize = $count;

            #[inline(always)]
            unsafe fn load(from: *const $type) -> $name {
                // Safety: the caller's.
                $name(unsafe { from.cast::<[$type; $count]>().read() })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $type) {
                // Safety: the caller's.
                unsafe { to.cast::<[$type; $count]>().write(self.0) };
            }
            #[inline(always)]
            unsafe fn splat(x: $type) -> $name {
                $name([x; $count])
            }
            #[inline(always)]
            unsafe fn add(self, other: $name) -> $name {
                self.each(|i, x| x + other.0[i])
            }
            #[inline(always)]
            unsafe fn mul(self, other: $name) -> $name {
                self.each(|i, x| x * other.0[i])
            }
            #[inline(always)]
            unsafe fn div(self, other: $name) -> $name {
                self.each(|i, x| x / other.0[i])
            }
            #[inline(always)]
            unsafe fn add_product(self, a: $name, b: $name) -> $name {
                self.each(|i, x| a.0[i].mul_add(b.0[i], x))
            }
            #[inline(always)]
            unsafe fn subtract_product(self, a: $name, b: $name) -> $name {
                self.each(|i, x| (-a.0[i]).mul_add(b.0[i], x))
            }
            #[inline(always)]
            unsafe fn flush(self, limit: $type) -> $name {
                self.each(|_, x| if x.abs() < limit { 0.0 } else { x })
            }
        }
    };
}

portable!(PortableF64, f64, 8);
portable!(PortableF32, f32, 16);

#[cfg(not(target_arch = "x86_64"))]
mod elsewhere {
    pub type Avx512F64 = super::PortableF64;
    pub type Avx2F64 = super::PortableF64;
    pub type Avx512F32 = super::PortableF32;
    pub type Avx2F32 = super::PortableF32;
}
#[cfg(not(target_arch = "x86_64"))]
pub use elsewhere::*;

#[cfg(target_arch = "x86_64")]
macro_rules! avx512 {
    ($name:ident, $type:ident, $count:literal, $register:ident, $load:ident, $store:ident, $set:ident, $add:ident,
     $mul:ident, $div:ident, $fma:ident, $fnma:ident, $compare:ident, $abs:ident, $keep:ident $(, $transpose:item)?) => {
        /// For CPUs with AVX-512.
        #[derive(Clone, Copy)]
        pub struct $name($register);

        unsafe impl Lanes for $name {
            type Scalar = $type;
            const COUNT: usize = $count;

            #[inline(always)]
            unsafe fn load(from: *const $type) -> $name {
                // Safety: the caller's, here and below.
                $name(unsafe { $load(from) })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $type) {
                unsafe { $store(to, self.0) };
            }
            #[inline(always)]
            unsafe fn splat(x: $type) -> $name {
                $name(unsafe { $set(x) })
            }
            #[inline(always)]
            unsafe fn add(self, other: $name) -> $name {
                $name(unsafe { $add(self.0, other.0) })
            }
            #[inline(always)]
            unsafe fn mul(self, other: $name) -> $name {
                $name(unsafe { $mul(self.0, other.0) })
            }
            #[inline(always)]
            unsafe fn div(self, other: $name) -> $name {
                $name(unsafe { $div(self.0, other.0) })
            }
            #[inline(always)]
            unsafe fn add_product(self, a: $name, b: $name) -> $name {
                $name(unsafe { $fma(a.0, b.0, self.0) })
            }
            #[inline(always)]
            unsafe fn subtract_product(self, a: $name, b: $name) -> $name {
                $name(unsafe { $fnma(a.0, b.0, self.0) })
            }
            #[inline(always)]
            unsafe fn flush(self, limit: $type) -> $name {
                unsafe { $name($keep($compare::<_CMP_NLT_UQ>($abs(self.0), $set(limit)), self.0)) }
            }
            $($transpose)?
        }
    };
}

#[cfg(target_arch = "x86_64")]
avx512! {
    Avx512F64,
    f64,
    8,
    __m512d,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_set1_pd,
    _mm512_add_pd,
    _mm512_mul_pd,
    _mm512_div_pd,
    _mm512_fmadd_pd,
    _mm512_fnmadd_pd,
    _mm512_cmp_pd_mask,
    _mm512_abs_pd,
    _mm512_maskz_mov_pd,
    #[inline(always)]
    unsafe fn transpose(from: *const f64, from_stride: usize, to: *mut f64, to_stride: usize) {
        unsafe {
            let mut rows = [_mm512_setzero_pd(); 8];
            for (i, row) in rows.iter_mut().enumerate() {
                *row = _mm512_loadu_pd(from.add(i * from_stride));
            }
            // Pairs of rows, then quarters of four rows, then halves of eight.
            let mut pairs = rows;
            for i in 0..4 {
                pairs[2 * i] = _mm512_unpacklo_pd(rows[2 * i], rows[2 * i + 1]);
                pairs[2 * i + 1] = _mm512_unpackhi_pd(rows[2 * i], rows[2 * i + 1]);
            }
            for odd in 0..2 {
                let [a, b, c, d] = [pairs[odd], pairs[2 + odd], pairs[4 + odd], pairs[6 + odd]];
                let (ab, cd) = (_mm512_shuffle_f64x2::<0x88>(a, b), _mm512_shuffle_f64x2::<0x88>(c, d));
                let (ab_high, cd_high) = (_mm512_shuffle_f64x2::<0xdd>(a, b), _mm512_shuffle_f64x2::<0xdd>(c, d));
                _mm512_storeu_pd(to.add(odd * to_stride), _mm512_shuffle_f64x2::<0x88>(ab, cd));
                _mm512_storeu_pd(to.add((4 + odd) * to_stride), _mm512_shuffle_f64x2::<0xdd>(ab, cd));
                _mm512_storeu_pd(to.add((2 + odd) * to_stride), _mm512_shuffle_f64x2::<0x88>(ab_high, cd_high));
                _mm512_storeu_pd(to.add((6 + odd) * to_stride), _mm512_shuffle_f64x2::<0xdd>(ab_high, cd_high));
            }
        }
    }
}
#[cfg(target_arch = "x86_64")]
avx512! {
    Avx512F32,
    f32,
    16,
    __m512,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_set1_ps,
    _mm512_add_ps,
    _mm512_mul_ps,
    _mm512_div_ps,
    _mm512_fmadd_ps,
    _mm512_fnmadd_ps,
    _mm512_cmp_ps_mask,
    _mm512_abs_ps,
    _mm512_maskz_mov_ps
}

#[cfg(target_arch = "x86_64")]
macro_rules! avx2 {
    ($name:ident, $type:ident, $count:literal, $register:ident, $load:ident, $store:ident, $set:ident, $add:ident,
     $mul:ident, $div:ident, $fma:ident, $fnma:ident, $compare:ident, $and:ident, $andnot:ident) => {
        /// For CPUs with AVX2 and FMA.
        #[derive(Clone, Copy)]
        pub struct $name($register, $register);

        unsafe impl Lanes for $name {
            type Scalar = $type;
            const COUNT: usize = $count;

            #[inline(always)]
            unsafe fn load(from: *const $type) -> $name {
                // Safety: the caller's, here and below.
                unsafe { $name($load(from), $load(from.add($count / 2))) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $type) {
                unsafe {
                    $store(to, self.0);
                    $store(to.add($count / 2), self.1);
                }
            }
            #[inline(always)]
            unsafe fn splat(x: $type) -> $name {
                unsafe { $name($set(x), $set(x)) }
            }
            #[inline(always)]
            unsafe fn add(self, other: $name) -> $name {
                unsafe { $name($add(self.0, other.0), $add(self.1, other.1)) }
            }
            #[inline(always)]
            unsafe fn mul(self, other: $name) -> $name {
                unsafe { $name($mul(self.0, other.0), $mul(self.1, other.1)) }
            }
            #[inline(always)]
            unsafe fn div(self, other: $name) -> $name {
                unsafe { $name($div(self.0, other.0), $div(self.1, other.1)) }
            }
            #[inline(always)]
            unsafe fn add_product(self, a: $name, b: $name) -> $name {
                unsafe { $name($fma(a.0, b.0, self.0), $fma(a.1, b.1, self.1)) }
            }
            #[inline(always)]
            unsafe fn subtract_product(self, a: $name, b: $name) -> $name {
                unsafe { $name($fnma(a.0, b.0, self.0), $fnma(a.1, b.1, self.1)) }
            }
            #[inline(always)]
            unsafe fn flush(self, limit: $type) -> $name {
                unsafe {
                    let (sign, limit) = ($set(-0.0), $set(limit));
                    let keep = |x| $and(x, $compare::<_CMP_NLT_UQ>($andnot(sign, x), limit));
                    $name(keep(self.0), keep(self.1))
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
avx2!(
    Avx2F64,
    f64,
    8,
    __m256d,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_set1_pd,
    _mm256_add_pd,
    _mm256_mul_pd,
    _mm256_div_pd,
    _mm256_fmadd_pd,
    _mm256_fnmadd_pd,
    _mm256_cmp_pd,
    _mm256_and_pd,
    _mm256_andnot_pd
);
#[cfg(target_arch = "x86_64")]
avx2!(
    Avx2F32,
    f32,
    16,
    __m256,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    _mm256_add_ps,
    _mm256_mul_ps,
    _mm256_div_ps,
    _mm256_fmadd_ps,
    _mm256_fnmadd_ps,
    _mm256_cmp_ps,
    _mm256_and_ps,
    _mm256_andnot_ps
);

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

/// `vectorised!(pub fn name<T>(isa; a: A<T>, …) -> R = kernel)` makes `name`, which runs the generic `kernel::<L>` compiled
/// for `isa`. Without `<T>` the numbers are of 64 bits.
///
/// The safety of a call is that of the kernel; that `isa` came from [`Isa::detect`] is the caller's part.
macro_rules! vectorised {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($rest:tt)*) $(-> $ret:ty)? = $kernel:ident) => {
        $crate::train::lanes::vectorised!(@make [$(#[$doc])* $vis] $name [] f64, ($($rest)*) ($($ret)?) $kernel);
    };
    ($(#[$doc:meta])* $vis:vis fn $name:ident<$T:ident>($($rest:tt)*) $(-> $ret:ty)? = $kernel:ident) => {
        $crate::train::lanes::vectorised!(
            @make [$(#[$doc])* $vis] $name [<$T: $crate::train::real::Real>] $T, ($($rest)*) ($($ret)?) $kernel
        );
    };
    (@make [$($head:tt)*] $name:ident [$($generics:tt)*] $T:ident,
     ($isa:ident; $($arg:ident: $type:ty),* $(,)?) ($($ret:ty)?) $kernel:ident) => {
        $($head)* unsafe fn $name $($generics)* ($isa: $crate::train::lanes::Isa, $($arg: $type),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f")]
            unsafe fn avx512 $($generics)* ($($arg: $type),*) $(-> $ret)? {
                // Safety: the caller's.
                unsafe { $kernel::<<$T as $crate::train::real::Real>::Avx512>($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2 $($generics)* ($($arg: $type),*) $(-> $ret)? {
                // Safety: the caller's.
                unsafe { $kernel::<<$T as $crate::train::real::Real>::Avx2>($($arg),*) }
            }
            // Safety: the caller's; `isa` is what the CPU has.
            unsafe {
                match $isa {
                    #[cfg(target_arch = "x86_64")]
                    $crate::train::lanes::Isa::Avx512 => avx512($($arg),*),
                    #[cfg(target_arch = "x86_64")]
                    $crate::train::lanes::Isa::Avx2 => avx2($($arg),*),
                    _ => $kernel::<<$T as $crate::train::real::Real>::Portable>($($arg),*),
                }
            }
        }
    };
}
pub(crate) use vectorised;

/// Numbers that begin on a cache line, all zero at first.
#[derive(Debug, Clone)]
pub struct Aligned<T>(Vec<Line>, PhantomData<T>);

#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

impl<T: Real> Aligned<T> {
    /// At least `len` zeros, a whole number of lines.
    pub fn zeros(len: usize) -> Aligned<T> {
        Aligned(vec![Line([0; 64]); len.div_ceil(T::LANES)], PhantomData)
    }
}

impl<T: Real> std::ops::Deref for Aligned<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // Safety: a line is `LANES` numbers and nothing else; all zero bits are 0.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * T::LANES) }
    }
}

impl<T: Real> std::ops::DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // Safety: as above.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * T::LANES) }
    }
}

/// `n` rounded up to whole lanes.
pub fn padded<T: Real>(n: usize) -> usize {
    n.next_multiple_of(T::LANES)
}

/// `to ← fromᵀ`, `from` rows×columns; rows are `from_stride` and `to_stride` apart.
pub fn transpose<T: Real>(
    isa: Isa,
    (from, from_stride): (&[T], usize),
    (to, to_stride): (&mut [T], usize),
    rows: usize,
    columns: usize,
) {
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(from.len() >= (rows - 1) * from_stride + columns && to.len() >= (columns - 1) * to_stride + rows);
    // Safety: the lengths just checked.
    unsafe { transpose_lanes(isa, from.as_ptr(), from_stride, to.as_mut_ptr(), to_stride, rows, columns) }
}

vectorised!(fn transpose_lanes<T>(
    isa; from: *const T, from_stride: usize, to: *mut T, to_stride: usize, rows: usize, columns: usize
) = transpose_by);

#[inline(always)]
unsafe fn transpose_by<L: Lanes>(
    from: *const L::Scalar,
    from_stride: usize,
    to: *mut L::Scalar,
    to_stride: usize,
    rows: usize,
    columns: usize,
) {
    // Safety: the caller's: rows×columns numbers on both sides.
    unsafe {
        for i0 in (0..rows).step_by(L::COUNT) {
            for j0 in (0..columns).step_by(L::COUNT) {
                let (from, to) = (from.add(i0 * from_stride + j0), to.add(j0 * to_stride + i0));
                if i0 + L::COUNT <= rows && j0 + L::COUNT <= columns {
                    L::transpose(from, from_stride, to, to_stride);
                } else {
                    for j in 0..L::COUNT.min(columns - j0) {
                        for i in 0..L::COUNT.min(rows - i0) {
                            *to.add(j * to_stride + i) = *from.add(i * from_stride + j);
                        }
                    }
                }
            }
        }
    }
}

/// `Σ a_i·b_i` in eight running sums of lanes.
pub fn inner<T: Real>(isa: Isa, a: &[T], b: &[T]) -> T {
    assert!(a.len() == b.len());
    // Safety: the lengths just checked.
    unsafe { inner_lanes(isa, a, b) }
}

vectorised!(fn inner_lanes<T>(isa; a: &[T], b: &[T]) -> T = inner_by);

#[inline(always)]
unsafe fn inner_by<L: Lanes>(a: &[L::Scalar], b: &[L::Scalar]) -> L::Scalar {
    const SUMS: usize = 8;
    // Safety: whole lanes within the slices.
    unsafe {
        let mut sums = [L::splat(L::Scalar::default()); SUMS];
        let whole = a.len() / (SUMS * L::COUNT) * (SUMS * L::COUNT);
        for i in (0..whole).step_by(SUMS * L::COUNT) {
            for (s, sum) in sums.iter_mut().enumerate() {
                let at = i + s * L::COUNT;
                *sum = sum.add_product(L::load(a.as_ptr().add(at)), L::load(b.as_ptr().add(at)));
            }
        }
        let mut rest = L::Scalar::default();
        for i in whole..a.len() {
            rest = a[i].mul_add(b[i], rest);
        }
        for half in [4, 2, 1] {
            for s in 0..half {
                sums[s] = sums[s].add(sums[s + half]);
            }
        }
        sum(sums[0]) + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;

    fn everywhere() -> Vec<Isa> {
        let mut found = vec![Isa::Portable, Isa::detect()];
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            found.push(Isa::Avx2);
        }
        found
    }

    fn normals<T: Real>(n: usize) -> Vec<T> {
        let mut stream = Stream::new("test", 3);
        (0..n).map(|_| T::of(stream.normal())).collect()
    }

    fn transposes<T: Real>() {
        for (rows, columns) in [(1, 1), (8, 8), (16, 16), (24, 33), (17, 40), (100, 71)] {
            let from = normals::<T>(rows * (columns + 3));
            for isa in everywhere() {
                let mut to = vec![T::default(); columns * (rows + 5)];
                transpose(isa, (&from, columns + 3), (&mut to, rows + 5), rows, columns);
                for i in 0..rows {
                    for j in 0..columns {
                        assert_eq!(to[j * (rows + 5) + i], from[i * (columns + 3) + j], "{rows}×{columns} {isa:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_transpose_is_one_for_every_shape_and_type() {
        transposes::<f64>();
        transposes::<f32>();
    }

    fn inner_products<T: Real>(error: f64) {
        for n in [0, 1, 63, 64, 129, 1000] {
            let (a, b) = (normals::<T>(n), normals::<T>(2 * n)[n..].to_vec());
            let exact: f64 = a.iter().zip(&b).map(|(a, b)| a.wide() * b.wide()).sum();
            let found: Vec<T> = everywhere().into_iter().map(|isa| inner(isa, &a, &b)).collect();
            assert!((found[0].wide() - exact).abs() <= error * n as f64, "{n}");
            assert!(found.iter().all(|x| x.wide().to_bits() == found[0].wide().to_bits()), "{n}");
        }
    }

    #[test]
    fn an_inner_product_has_the_same_bits_everywhere() {
        inner_products::<f64>(1e-15);
        inner_products::<f32>(1e-6);
    }
}
