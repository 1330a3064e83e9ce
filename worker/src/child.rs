//! The other end of a slot that is a child: a process that trains what its standard input tells it.
//!
//! It is a thread slot behind two pipes. It lives as long as its standard input is open, and ends at once when that
//! closes, whatever runs: a child must not outlive its worker.

use crate::frame::{self, Order, Said};
use crate::slot::{Contents, Event, Slot, Work};
use crate::thread::ThreadSlot;
use std::fs::File;
use std::io::{self, BufReader};
use std::os::fd::FromRawFd;
use std::sync::{Arc, Mutex};
use sweep_core::job::Ending;
use sweep_core::train::blas;

/// Trains as told until the worker has gone. To be called first in a process that has a single thread.
///
/// # Errors
/// Anything that leaves no way to go on; the worker takes the end of this process for the answer.
pub fn main() -> io::Result<()> {
    follow_the_worker()?;
    let mut orders = BufReader::with_capacity(1 << 16, io::stdin());
    let said = Arc::new(Mutex::new(take_stdout()?));
    let Some((Order::Setup { blas_threads, checkpoint_seconds, memory }, _)) = frame::read(&mut orders)? else {
        return Err(io::Error::other("the first order is not the setup; this is no command for people"));
    };
    let set = blas::set_threads(blas_threads);
    if set != blas_threads {
        return Err(io::Error::other(format!("{blas_threads} BLAS threads were asked for, OpenBLAS allows {set}")));
    }
    blas::warm_up();
    let out = Arc::clone(&said);
    let slot = ThreadSlot::start(0, checkpoint_seconds, move |event| tell(&out, event).is_ok());
    if let Some(bytes) = memory {
        limit_memory(bytes)?;
    }
    say(&said, &Said::Ready, &[])?;
    let mut files = Contents::default();
    while let Some((order, bytes)) = frame::read(&mut orders)? {
        match order {
            Order::Setup { .. } => return Err(io::Error::other("a second setup")),
            Order::File(hash) => {
                files.0.insert(hash, bytes.into());
            }
            Order::Begin(attempt) => match attempt.lease(bytes) {
                Ok(lease) => {
                    let named = lease.trial.contents().unwrap_or_default();
                    files.0.retain(|hash, _| named.contains(&hash.as_str()));
                    slot.begin(Work { lease, files: files.clone() });
                }
                Err(error) => say(&said, &Said::Failed(format!("failed to read the trial: {error}")), &[])?,
            },
            Order::HandBack => slot.hand_back(),
        }
    }
    // Nobody is interested in what runs now; it is not waited for.
    std::process::exit(0)
}

fn tell(out: &Mutex<File>, event: Event) -> io::Result<()> {
    match event {
        Event::Checkpoint(checkpoint) => say(out, &Said::Checkpoint(checkpoint.step), &checkpoint.bytes),
        Event::Ended(_, report) => match report.ending {
            Ending::Outcome(outcome) => say(out, &Said::Outcome(outcome), &[]),
            Ending::Failed(why) | Ending::Died(why) => say(out, &Said::Failed(why), &[]),
            Ending::HandedBack(bytes) => say(out, &Said::HandedBack, &bytes),
        },
    }
}

fn say(out: &Mutex<File>, said: &Said, bytes: &[u8]) -> io::Result<()> {
    frame::write(&mut *out.lock().expect("no holder panics"), said, bytes)
}

/// Leaves it to the worker when to end: signals that a terminal or a service manager sends to all are for the worker,
/// which hands back. On Linux the system, too, ends this process with the thread that started it.
fn follow_the_worker() -> io::Result<()> {
    // Safety: plain system calls on this process.
    unsafe {
        libc::signal(libc::SIGINT, libc::SIG_IGN);
        libc::signal(libc::SIGTERM, libc::SIG_IGN);
        #[cfg(target_os = "linux")]
        if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    // Where memory runs out the system should end a child, not the worker or a database. It may refuse.
    #[cfg(target_os = "linux")]
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
    Ok(())
}

/// Standard output for frames only: what else is printed goes to standard error.
fn take_stdout() -> io::Result<File> {
    // Safety: plain system calls; the new descriptor belongs to the file alone.
    unsafe {
        let out = libc::dup(libc::STDOUT_FILENO);
        if out < 0 || libc::dup2(libc::STDERR_FILENO, libc::STDOUT_FILENO) < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(File::from_raw_fd(out))
    }
}

/// Lets this process have at most so many bytes of address space.
fn limit_memory(bytes: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // Safety: the call only reads the struct it is given.
    match unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
