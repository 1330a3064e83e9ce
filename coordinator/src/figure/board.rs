//! One number of every cell of a sweep, in memory, so that a picture of a million cells takes no reading of a million rows.
//!
//! One rule: a board holds nothing that the database does not say; it is read once, then only what has changed is.

use super::Figure;
use crate::store::{At, CellState, Mark, Measure, Reading, Result, Store, Which};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use sweep_core::outcome::Status;
use sweep_core::sweep::Sweep;

/// Rows that are read at a time, so that no reading transaction is long.
const PAGE: u64 = 50_000;
/// A board that is younger is not read again.
const FRESH: Duration = Duration::from_millis(900);
/// Most bytes of all boards together; the ones longest not asked for go first. One may be larger.
const MOST_BYTES: usize = 128 << 20;
/// Most pictures that are kept.
const MOST_DRAWN: usize = 16;
/// Most parsed sweeps that are kept.
const MOST_SWEEPS: usize = 64;

/// A done cell on a board.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// Index of the cell.
    pub cell: u64,
    /// The number; NaN where there is none, as of a diverged run.
    pub value: f64,
    /// The row in `outcomes`.
    pub outcome: i64,
    /// Whether it diverged.
    pub diverged: bool,
    /// Whether it is inflated.
    pub inflated: bool,
}

/// One measure of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    /// Cells with an outcome, by index.
    pub done: Vec<Entry>,
    /// Cells that were leased and have no outcome now, by index. They stand above `done`: a retried cell may be in both.
    pub unfinished: Vec<(u64, CellState)>,
    mark: Mark,
}

impl Board {
    fn take(&mut self, readings: Vec<Reading>, measure: Measure) {
        if readings.is_empty() {
            return;
        }
        let entry = |r: Reading| {
            let diverged = r.status == Status::Diverged;
            // What a diverged run says of its last finite point is no result.
            let counts = !diverged || measure.at == At::Initial;
            let value = r.value.filter(|_| counts).unwrap_or(f64::NAN);
            Entry { cell: r.cell, value, outcome: r.outcome, diverged, inflated: r.inflated }
        };
        let in_order = self.done.last().is_none_or(|last| last.cell < readings[0].cell);
        self.done.extend(readings.into_iter().map(entry));
        if !in_order {
            // Of two of one cell the later stays.
            self.done.sort_by_key(|entry| (entry.cell, std::cmp::Reverse(entry.outcome)));
            self.done.dedup_by_key(|entry| entry.cell);
        }
    }

    /// The done cells that are done still.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        let mut above = self.unfinished.iter().map(|(cell, _)| *cell).peekable();
        self.done.iter().filter(move |entry| {
            while above.next_if(|cell| *cell < entry.cell).is_some() {}
            above.peek() != Some(&entry.cell)
        })
    }

    fn bytes(&self) -> usize {
        self.done.capacity() * size_of::<Entry>() + self.unfinished.capacity() * size_of::<(u64, CellState)>()
    }
}

struct Kept {
    board: Arc<Board>,
    /// Every change of the database is seen up to here.
    looked: Instant,
    used: Instant,
}

/// A picture with the board that it was made of.
struct Drawn {
    key: String,
    board: Arc<Board>,
    figure: Arc<Figure>,
}

/// What was read, for whoever draws.
pub struct Boards {
    store: Store,
    kept: Mutex<BTreeMap<(String, Measure), Kept>>,
    /// One at a time reads a board.
    reading: tokio::sync::Mutex<()>,
    /// Cells read and to be read by the one who reads, for those who wait.
    progress: (AtomicU64, AtomicU64),
    sweeps: Mutex<BTreeMap<(String, u64), Arc<Sweep>>>,
    /// The latest pictures, the last first.
    drawn: Mutex<VecDeque<Drawn>>,
}

impl Boards {
    /// Nothing is read yet.
    pub fn new(store: Store) -> Boards {
        Boards {
            store,
            kept: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
            progress: Default::default(),
            sweeps: Mutex::default(),
            drawn: Mutex::default(),
        }
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The cells of a stored sweep; parsed once.
    ///
    /// # Errors
    /// Why this version of the program does not accept its file.
    pub fn sweep(&self, stored: &crate::store::Sweep) -> std::result::Result<Arc<Sweep>, String> {
        let key = (stored.id.clone(), stored.cells);
        if let Some(known) = self.sweeps.lock().expect("no holder panics").get(&key) {
            return Ok(Arc::clone(known));
        }
        let parsed = Arc::new(stored.parsed()?);
        let mut sweeps = self.sweeps.lock().expect("no holder panics");
        if sweeps.len() >= MOST_SWEEPS {
            sweeps.pop_first();
        }
        sweeps.insert(key, Arc::clone(&parsed));
        Ok(parsed)
    }

    /// The picture of this key that was made of this very board.
    pub(super) fn drawn(&self, key: &str, board: &Arc<Board>) -> Option<Arc<Figure>> {
        let drawn = self.drawn.lock().expect("no holder panics");
        let found = drawn.iter().find(|drawn| drawn.key == key && Arc::ptr_eq(&drawn.board, board))?;
        Some(Arc::clone(&found.figure))
    }

    /// Keeps a picture for as long as its board does not change.
    pub(super) fn keep_drawn(&self, key: String, board: Arc<Board>, figure: Arc<Figure>) {
        let mut drawn = self.drawn.lock().expect("no holder panics");
        drawn.retain(|drawn| drawn.key != key);
        drawn.push_front(Drawn { key, board, figure });
        drawn.truncate(MOST_DRAWN);
    }

    /// The board as it was last read, however long ago.
    pub fn known(&self, sweep: &str, measure: Measure) -> Option<Arc<Board>> {
        let mut kept = self.kept.lock().expect("no holder panics");
        let found = kept.get_mut(&(sweep.to_owned(), measure))?;
        found.used = Instant::now();
        Some(Arc::clone(&found.board))
    }

    /// Cells read, and to be read, by the one who reads now.
    pub fn progress(&self) -> (u64, u64) {
        (self.progress.0.load(Ordering::Relaxed), self.progress.1.load(Ordering::Relaxed))
    }

    /// The board of a measure, not older than a second.
    ///
    /// # Errors
    /// What the database says.
    pub async fn board(&self, sweep: &str, measure: Measure) -> Result<Arc<Board>> {
        let fresh = || {
            let kept = self.kept.lock().expect("no holder panics");
            let found = kept.get(&(sweep.to_owned(), measure))?;
            (found.looked.elapsed() < FRESH).then(|| Arc::clone(&found.board))
        };
        if let Some(board) = fresh() {
            return Ok(board);
        }
        let _turn = self.reading.lock().await;
        if let Some(board) = fresh() {
            return Ok(board);
        }
        let looked = Instant::now();
        let board = match self.known(sweep, measure) {
            Some(board) => self.again(sweep, measure, board).await?,
            None => Arc::new(self.first(sweep, measure).await?),
        };
        self.keep(sweep, measure, Kept { board: Arc::clone(&board), looked, used: looked });
        Ok(board)
    }

    /// Reads everything, page by page.
    async fn first(&self, sweep: &str, measure: Measure) -> Result<Board> {
        let mark = self.store.mark(sweep).await?;
        self.progress.1.store(self.store.counts(sweep).await?.done, Ordering::Relaxed);
        let mut board = Board { done: Vec::new(), unfinished: Vec::new(), mark };
        let mut next = 0;
        loop {
            let page = self.store.readings(sweep, measure, Which::From(next, PAGE)).await?;
            let over = (page.len() as u64) < PAGE;
            next = page.last().map_or(next, |last| last.cell + 1);
            board.take(page, measure);
            self.progress.0.store(board.done.len() as u64, Ordering::Relaxed);
            if over {
                break;
            }
        }
        board.unfinished = self.store.unfinished(sweep).await?;
        Ok(board)
    }

    /// Reads what has changed.
    async fn again(&self, sweep: &str, measure: Measure, known: Arc<Board>) -> Result<Arc<Board>> {
        let mark = self.store.mark(sweep).await?;
        let mut news = Vec::new();
        if mark.outcome != known.mark.outcome {
            news = self.store.readings(sweep, measure, Which::Since(known.mark.outcome)).await?;
        }
        if mark.linked != known.mark.linked {
            news.extend(self.store.readings(sweep, measure, Which::Linked).await?);
        }
        let unfinished = self.store.unfinished(sweep).await?;
        if news.is_empty() && unfinished == known.unfinished && mark == known.mark {
            return Ok(known);
        }
        let mut board = Arc::unwrap_or_clone(known);
        board.mark = mark;
        board.unfinished = unfinished;
        board.take(news, measure);
        Ok(Arc::new(board))
    }

    fn keep(&self, sweep: &str, measure: Measure, new: Kept) {
        let mut kept = self.kept.lock().expect("no holder panics");
        kept.insert((sweep.to_owned(), measure), new);
        let mut bytes: usize = kept.values().map(|kept| kept.board.bytes()).sum();
        while bytes > MOST_BYTES && kept.len() > 1 {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.used).map(|(key, _)| key.clone());
            let Some(gone) = oldest.and_then(|key| kept.remove(&key)) else { break };
            bytes -= gone.board.bytes();
        }
    }
}
