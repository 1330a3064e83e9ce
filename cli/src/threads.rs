//! How many cells at a time, and how many BLAS threads each.
//!
//! One BLAS thread a slot and a slot a core is the fastest for many cells: one job with two threads does less than two
//! jobs with one (docs/performance.md). More threads than cores make everything slower, so that is refused unless told.

use crate::args::{BlasThreads, Machine};
use crate::failure::{Failure, Result};
use crate::output::count;
use sweep_core::train::blas;

/// Below this min(n1, n2), more BLAS threads do not pay.
const LARGE: usize = 300;

/// What a run uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// Cells at a time.
    pub slots: usize,
    /// Threads of each BLAS call.
    pub blas_threads: usize,
}

impl Use {
    /// What `asked` means on `cores` for `cells`, whose smallest matrix has `side` = min(n1, n2).
    ///
    /// # Errors
    /// [`Failure::Mistake`] for more threads than cores, unless that is asked for.
    pub fn decide(asked: &Machine, cores: usize, cells: u64, side: usize) -> Result<Use> {
        let slots = asked.slots.map(usize::from);
        // Several threads and several slots at once never pay.
        let one_large_cell = side >= LARGE && (cells < cores as u64 || slots == Some(1));
        let decided = match asked.blas_threads {
            BlasThreads::Fixed(threads) => {
                Use { slots: slots.unwrap_or((cores / threads).max(1)), blas_threads: threads }
            }
            BlasThreads::Auto if one_large_cell && slots.is_none_or(|slots| slots == 1) => {
                Use { slots: 1, blas_threads: cores }
            }
            BlasThreads::Auto => Use { slots: slots.unwrap_or(cores), blas_threads: 1 },
        };
        let Use { slots, blas_threads } = decided;
        if slots * blas_threads > cores && !asked.oversubscribe {
            return Err(Failure::Mistake(format!(
                "{decided} are more than the {} that this process may use, which makes every cell slower; allowed: a \
                 product of at most {cores}, or --oversubscribe",
                count(cores as u64, "core")
            )));
        }
        Ok(decided)
    }
}

impl std::fmt::Display for Use {
    /// `2 slots × 1 BLAS thread`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} × {}", count(self.slots as u64, "slot"), count(self.blas_threads as u64, "BLAS thread"))
    }
}

/// Sets the BLAS threads of this process, before its first BLAS call, and asks OpenBLAS whether it agrees.
///
/// # Errors
/// [`Failure::Mistake`] where OpenBLAS was built for fewer.
pub fn set_blas(threads: usize) -> Result {
    match blas::set_threads(threads) {
        set if set == threads => Ok(()),
        set => Err(Failure::Mistake(format!(
            "{threads} BLAS threads were asked for, OpenBLAS ({}) allows {set}",
            blas::library()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(slots: Option<u16>, blas_threads: BlasThreads) -> Machine {
        Machine { slots, blas_threads, oversubscribe: false }
    }

    #[test]
    fn a_slot_a_core_with_one_thread_unless_told() {
        let decide = |slots, threads| Use::decide(&asked(slots, threads), 8, 1000, 1000).unwrap();
        assert_eq!(decide(None, BlasThreads::Fixed(1)), Use { slots: 8, blas_threads: 1 });
        assert_eq!(decide(Some(3), BlasThreads::Fixed(1)), Use { slots: 3, blas_threads: 1 });
        assert_eq!(decide(None, BlasThreads::Fixed(3)), Use { slots: 2, blas_threads: 3 });
        assert_eq!(decide(None, BlasThreads::Auto), Use { slots: 8, blas_threads: 1 });
    }

    #[test]
    fn auto_gives_all_cores_to_few_large_cells_one_at_a_time() {
        let decide = |slots, cells, side| Use::decide(&asked(slots, BlasThreads::Auto), 8, cells, side).unwrap();
        assert_eq!(decide(None, 7, 300), Use { slots: 1, blas_threads: 8 });
        assert_eq!(decide(None, 7, 299), Use { slots: 8, blas_threads: 1 });
        assert_eq!(decide(None, 8, 300), Use { slots: 8, blas_threads: 1 });
        assert_eq!(decide(Some(1), 1000, 300), Use { slots: 1, blas_threads: 8 });
        assert_eq!(decide(Some(2), 1, 300), Use { slots: 2, blas_threads: 1 });
    }

    #[test]
    fn more_threads_than_cores_are_refused_unless_told() {
        let mut machine = asked(Some(2), BlasThreads::Fixed(2));
        let refused = Use::decide(&machine, 2, 10, 50).unwrap_err().to_string();
        assert_eq!(Use { slots: 1, blas_threads: 1 }.to_string(), "1 slot × 1 BLAS thread");
        assert!(
            refused.contains("2 slots × 2 BLAS threads are more than the 2 cores")
                && refused.contains("--oversubscribe"),
            "{refused}"
        );
        machine.oversubscribe = true;
        assert_eq!(Use::decide(&machine, 2, 10, 50).unwrap(), Use { slots: 2, blas_threads: 2 });
    }

    #[test]
    fn openblas_says_what_it_was_told() {
        set_blas(1).unwrap();
        assert_eq!(blas::threads(), 1);
        assert!(set_blas(1_000_000).unwrap_err().to_string().contains("OpenBLAS"));
        set_blas(1).unwrap();
    }
}
