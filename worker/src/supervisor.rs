//! A slot that is a child process: whatever ends it ends its attempt only.
//!
//! One thread a slot starts the child, feeds it and notices its end; it lives as long as the slot, since on Linux a child
//! ends with the thread that started it. Two more move what the child says, and what it prints, for as long as it lives.
//! A child is kept over many attempts. One that ends by itself is followed by another, after a wait that grows as long
//! as children end without having finished anything.

use crate::Children;
use crate::frame::{self, Attempt, Order, Said};
use crate::slot::{Event, Slot, Work, not_begun, report};
use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use sweep_core::job::{Checkpoint, Ending, Lease};
use sweep_core::train::blas;
use tokio::sync::mpsc::UnboundedSender;

/// The wait before the second try to start a child; it doubles from there.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A child that has not said it is ready by then is ended.
const START: Duration = Duration::from_secs(60);
/// An attempt waits for this many children that do not start; then it is handed back for another slot to make.
const STARTS: u32 = 3;
/// Bytes kept of what a child prints last: a backtrace, and what was said before it.
const KEPT: usize = 1 << 16;

/// The handle of a slot's supervisor. When it is dropped the child is ended.
pub struct ChildSlot(mpsc::Sender<Told>);

/// What a supervisor is told: by the worker, or by the thread that reads what its child says.
enum Told {
    Begin(Box<Work>),
    HandBack,
    Stop,
    Said(Said, Vec<u8>),
    /// The child says nothing any more.
    Silent,
}

impl ChildSlot {
    /// Starts the supervisor of slot `index`, and its first child.
    pub fn start(
        index: usize,
        checkpoint_seconds: f64,
        settings: Children,
        events: UnboundedSender<Event>,
    ) -> ChildSlot {
        let (tell, inbox) = mpsc::channel();
        let supervisor = Supervisor {
            index,
            checkpoint_seconds,
            settings,
            events,
            own: tell.clone(),
            waiting: None,
            process: None,
            fruitless: 0,
            start_at: Some(Instant::now()),
        };
        let builder = std::thread::Builder::new().name(format!("slot-{index}"));
        builder.spawn(move || supervisor.run(&inbox)).expect("the system lets a process start a few threads");
        ChildSlot(tell)
    }

    fn tell(&self, told: Told) {
        self.0.send(told).expect("the thread lives as long as its slot");
    }
}

impl Slot for ChildSlot {
    fn begin(&self, work: Work) {
        self.tell(Told::Begin(Box::new(work)));
    }

    fn hand_back(&self) {
        self.tell(Told::HandBack);
    }
}

impl Drop for ChildSlot {
    fn drop(&mut self) {
        // The thread may have panicked: there is nothing left to stop then.
        let _ = self.0.send(Told::Stop);
    }
}

struct Supervisor {
    index: usize,
    checkpoint_seconds: f64,
    settings: Children,
    events: UnboundedSender<Event>,
    own: mpsc::Sender<Told>,
    /// What no child has begun yet.
    waiting: Option<Box<Work>>,
    process: Option<Process>,
    /// Children in a row that ended by themselves and had finished no attempt.
    fruitless: u32,
    /// When the next child is to be started, where there is none.
    start_at: Option<Instant>,
}

/// A child that has not been seen to end.
struct Process {
    child: Child,
    orders: ChildStdin,
    printed: Printed,
    ready: bool,
    /// The files that it has.
    files: BTreeSet<String>,
    running: Option<Lease>,
    /// When it is ended from outside, unless it speaks.
    deadline: Option<Instant>,
    /// Whether that was done.
    ended: bool,
}

impl Supervisor {
    fn run(mut self, inbox: &mpsc::Receiver<Told>) {
        loop {
            let next = self.process.as_ref().map_or(self.start_at, |process| process.deadline);
            let told = match next {
                Some(at) => inbox.recv_timeout(at.saturating_duration_since(Instant::now())),
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match told {
                Ok(Told::Begin(work)) => {
                    self.waiting = Some(work);
                    self.give();
                }
                Ok(Told::HandBack) => self.hand_back(),
                Ok(Told::Said(said, bytes)) => self.heard(said, bytes),
                Ok(Told::Silent) => self.bury(),
                Err(RecvTimeoutError::Timeout) if self.process.is_some() => self.end_from_outside(),
                Err(RecvTimeoutError::Timeout) => self.start(),
                Ok(Told::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if let Some(mut process) = self.process {
            // It may have ended already; then there is only its status to collect.
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }

    /// Starts a child, and the threads that listen to it.
    fn start(&mut self) {
        self.start_at = None;
        match self.spawn() {
            Ok(process) => self.process = Some(process),
            Err(error) => {
                tracing::warn!("slot {}: failed to start {}: {error}", self.index, self.settings.program.display());
                self.no_child();
            }
        }
    }

    fn spawn(&self) -> io::Result<Process> {
        let threads = blas::threads();
        let mut child = Command::new(&self.settings.program)
            .args(&self.settings.arguments)
            // Read when the library is loaded: it starts no threads that are not used.
            .env("OPENBLAS_NUM_THREADS", threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let missing = || io::Error::other("a pipe is missing");
        let mut orders = child.stdin.take().ok_or_else(missing)?;
        let said = BufReader::with_capacity(1 << 16, child.stdout.take().ok_or_else(missing)?);
        let printed = Printed::listen(child.stderr.take().ok_or_else(missing)?)?;
        let tell = self.own.clone();
        std::thread::Builder::new().spawn(move || listen(said, &tell))?;
        let (checkpoint_seconds, memory) = (self.checkpoint_seconds, self.settings.memory);
        let setup = Order::Setup { blas_threads: threads, checkpoint_seconds, memory };
        // One that does not listen has ended, which is noticed by its silence.
        let _ = frame::write(&mut orders, &setup, &[]);
        Ok(Process {
            child,
            orders,
            printed,
            ready: false,
            files: BTreeSet::new(),
            running: None,
            deadline: Some(Instant::now() + START),
            ended: false,
        })
    }

    /// Lets the child begin what waits, if both are there.
    fn give(&mut self) {
        let Some(process) = self.process.as_mut().filter(|process| process.ready) else { return };
        // What comes after a child's end is not the cause of it; it waits for the next child.
        if !matches!(process.child.try_wait(), Ok(None)) {
            return;
        }
        let Some(work) = self.waiting.take() else { return };
        let now = Instant::now();
        // A limit beyond what a clock can hold is none.
        process.deadline = work
            .lease
            .seconds_limit
            .and_then(|limit| Duration::try_from_secs_f64(limit).ok())
            .and_then(|limit| now.checked_add(limit)?.checked_add(self.settings.grace));
        process.printed.forget();
        // One that does not listen has ended, which is noticed by its silence.
        let _ = process.begin(&work);
        process.running = Some(work.lease);
    }

    fn hand_back(&mut self) {
        if let Some(work) = self.waiting.take() {
            self.tell(Event::Ended(self.index, not_begun(work.lease)));
        } else if let Some(process) = self.process.as_mut().filter(|process| process.running.is_some()) {
            // As above.
            let _ = frame::write(&mut process.orders, &Order::HandBack, &[]);
        }
    }

    fn heard(&mut self, said: Said, bytes: Vec<u8>) {
        let Some(process) = &mut self.process else { return };
        let ending = match said {
            Said::Ready => {
                process.ready = true;
                process.deadline = None;
                return self.give();
            }
            Said::Checkpoint(step) => {
                if let Some(Lease { sweep, cell, fence, .. }) = &process.running {
                    let (sweep, cell, fence) = (sweep.clone(), *cell, *fence);
                    self.tell(Event::Checkpoint(Checkpoint { sweep, cell, fence, step, bytes }));
                }
                return;
            }
            Said::Outcome(outcome) => Ending::Outcome(outcome),
            Said::Failed(why) => Ending::Failed(why),
            Said::HandedBack => Ending::HandedBack(bytes),
        };
        // Nothing runs in a child that was just ended from outside.
        if let Some(lease) = process.running.take() {
            process.deadline = None;
            self.fruitless = 0;
            self.tell(Event::Ended(self.index, report(lease, ending)));
        }
    }

    /// The child did not speak in time.
    fn end_from_outside(&mut self) {
        let Some(process) = &mut self.process else { return };
        process.deadline = None;
        process.ready = false;
        // If it has ended by now there is nothing to do.
        let _ = process.child.kill();
        if let Some(lease) = process.running.take() {
            process.ended = true;
            let seconds = lease.seconds_limit.unwrap_or_default() + self.settings.grace.as_secs_f64();
            let why = format!("no step ended within {seconds} s; its process was ended");
            self.tell(Event::Ended(self.index, report(lease, Ending::Failed(why))));
        }
    }

    /// The child has gone: what ran in it has died.
    fn bury(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        // One that ends cannot change how any more; one that only closed its output has to end, too.
        let _ = process.child.kill();
        let status = process.child.wait();
        let how = match status {
            Ok(status) => described(status),
            Err(error) => format!("its process cannot be waited for: {error}"),
        };
        let said = process.printed.last();
        let why = if said.is_empty() { how } else { format!("{how}: {said}") };
        if process.ended {
            self.start_at = Some(Instant::now());
            return;
        }
        tracing::warn!("slot {}: {why}", self.index);
        if let Some(lease) = process.running {
            self.tell(Event::Ended(self.index, report(lease, Ending::Died(why))));
        }
        self.no_child();
    }

    /// A child ended or did not start: another one, after a while.
    fn no_child(&mut self) {
        let wait = FIRST_WAIT.saturating_mul(2u32.saturating_pow(self.fruitless)).min(LONGEST_WAIT);
        self.fruitless = self.fruitless.saturating_add(1);
        self.start_at = Some(Instant::now() + wait);
        if self.fruitless >= STARTS {
            self.hand_back();
        }
    }

    fn tell(&self, event: Event) {
        // A worker that no longer listens has dropped this slot, too.
        let _ = self.events.send(event);
    }
}

impl Process {
    /// Sends an attempt, with the files that the child does not have yet.
    fn begin(&mut self, work: &Work) -> io::Result<()> {
        for (hash, file) in &work.files.0 {
            if !self.files.contains(hash) {
                frame::write(&mut self.orders, &Order::File(hash.clone()), file)?;
            }
        }
        self.files = work.files.0.keys().cloned().collect();
        let checkpoint = work.lease.checkpoint.as_deref().unwrap_or_default();
        frame::write(&mut self.orders, &Order::Begin(Attempt::from(&work.lease)), checkpoint)
    }
}

/// Passes on what a child says until it ends.
fn listen(mut said: impl BufRead, tell: &mpsc::Sender<Told>) {
    while let Ok(Some((said, bytes))) = frame::read(&mut said) {
        if tell.send(Told::Said(said, bytes)).is_err() {
            return;
        }
    }
    // A supervisor that has stopped does not care.
    let _ = tell.send(Told::Silent);
}

/// What a child prints: passed on, and its end kept.
struct Printed {
    kept: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Printed {
    fn listen(mut from: impl Read + Send + 'static) -> io::Result<Printed> {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let end = Arc::clone(&kept);
        let body = move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut piece) {
                // Nobody may read it: the reason of an end keeps what matters.
                let _ = io::stderr().write_all(&piece[..length]);
                let mut end = end.lock().expect("no holder panics");
                end.extend(&piece[..length]);
                let beyond = end.len().saturating_sub(KEPT);
                end.drain(..beyond);
            }
        };
        Ok(Printed { kept, reader: std::thread::Builder::new().spawn(body)? })
    }

    /// Forgets what was printed so far: it concerns another attempt.
    fn forget(&self) {
        self.kept.lock().expect("no holder panics").clear();
    }

    /// The last two lines of a child that has ended, backtraces apart.
    fn last(self) -> String {
        // It only reads: it ends with the child's standard error.
        let _ = self.reader.join();
        let kept = self.kept.lock().expect("no holder panics");
        let text = String::from_utf8_lossy(&kept);
        let text = text.rsplit_once("stack backtrace:").map_or(&*text, |(before, _)| before);
        let says = |line: &&str| !line.is_empty() && !line.starts_with("note: ");
        let lines: Vec<&str> = text.lines().map(str::trim).filter(says).collect();
        lines[lines.len().saturating_sub(2)..].join("; ")
    }
}

/// How a process ended, in words.
fn described(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.signal(), status.code()) {
        (Some(signal), _) => match named(signal) {
            Some(name) => format!("its process ended by signal {signal} ({name})"),
            None => format!("its process ended by signal {signal}"),
        },
        (None, Some(code)) => format!("its process ended with exit code {code}"),
        (None, None) => format!("its process ended: {status}"),
    }
}

/// What a signal that ends processes is called.
fn named(signal: i32) -> Option<&'static str> {
    Some(match signal {
        libc::SIGABRT => "abort",
        libc::SIGSEGV => "segmentation fault",
        libc::SIGBUS => "bus error",
        libc::SIGILL => "illegal instruction",
        libc::SIGFPE => "arithmetic error",
        libc::SIGKILL => "kill: by a person, or by the system where memory ran out",
        _ => return None,
    })
}
