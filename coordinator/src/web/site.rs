//! What all pages share: the dispatcher, who is in, how sweeps stand, what they have cost.

use super::entry::{Sessions, Visitor};
use crate::dispatch::Dispatcher;
use crate::figure::Boards;
use crate::store::{self, Store, SweepState};
use crate::words;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// Between two looks at what was spent.
const LOOK: Duration = Duration::from_secs(5);

/// What was spent, by sweep.
#[derive(Default)]
struct Costs {
    /// The last outcome that is counted; none before the first look.
    last: Option<i64>,
    seconds: BTreeMap<String, f64>,
}

/// A part of a page that takes time to make.
#[derive(Default)]
struct Slow {
    /// As it was last made.
    last: Option<Arc<str>>,
    /// Turns true when it is made anew; none while nobody makes it.
    making: Option<watch::Receiver<bool>>,
}

/// Most slow parts that are kept.
const MOST_SLOW: usize = 64;

/// The dashboard of one coordinator.
pub struct Site {
    /// Behind everything.
    pub dispatcher: Arc<Dispatcher>,
    /// Who is in.
    pub sessions: Sessions,
    /// What a command must say to mean this database.
    pub option: String,
    /// True once the coordinator goes down.
    pub closed: watch::Receiver<bool>,
    costs: Mutex<Costs>,
    /// Counts of sweeps at which nobody works: by id, state and cells.
    settled: Mutex<BTreeMap<String, (SweepState, u64, store::Counts)>>,
    slow: Mutex<BTreeMap<String, Slow>>,
}

/// How a sweep stands, for a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// running, paused, finished or cancelled.
    pub state: &'static str,
    /// Cells in all.
    pub cells: u64,
    /// With an outcome.
    pub done: u64,
    /// Of these, linked.
    pub linked: u64,
    /// Given up.
    pub failed: u64,
    /// Running.
    pub running: u64,
    /// Forecast, seconds.
    pub seconds_left: Option<f64>,
    /// CPU seconds of all outcomes that it recorded; `None` before the first look.
    pub cost: Option<f64>,
    /// When it was submitted.
    pub created_at_ms: i64,
    /// Tags.
    pub tags: Vec<String>,
    /// Rank.
    pub priority: i64,
}

impl Standing {
    /// Shares of the bar in tenths of a percent: done, running, given up.
    pub fn shares(&self) -> [u64; 3] {
        let share = |n: u64| (1000 * u128::from(n)).div_ceil(u128::from(self.cells.max(1))).min(1000) as u64;
        [share(self.done), share(self.running), share(self.failed)]
    }

    /// Per cent that are final, as a person writes it.
    pub fn percent(&self) -> String {
        let part = 100.0 * (self.done + self.failed) as f64 / self.cells.max(1) as f64;
        if part > 99.0 && self.done + self.failed < self.cells { "99".to_owned() } else { format!("{part:.0}") }
    }

    /// Time left in words.
    pub fn left(&self) -> String {
        match self.seconds_left {
            Some(seconds) if self.state == "running" => words::span(seconds),
            _ => String::new(),
        }
    }

    /// Core time in words.
    pub fn spent(&self) -> String {
        self.cost.map_or(String::new(), words::span)
    }

    /// When it was submitted.
    pub fn date(&self) -> String {
        words::date(self.created_at_ms)
    }

    /// Whether something may still come.
    pub fn is_open(&self) -> bool {
        self.state == "running" || self.state == "paused"
    }
}

impl Site {
    /// Nothing is known yet of costs.
    pub fn new(dispatcher: Arc<Dispatcher>, sessions: Sessions, option: String, closed: watch::Receiver<bool>) -> Site {
        Site {
            dispatcher,
            sessions,
            option,
            closed,
            costs: Mutex::default(),
            settled: Mutex::default(),
            slow: Mutex::default(),
        }
    }

    /// The database.
    pub fn store(&self) -> &Store {
        self.dispatcher.store()
    }

    /// What was read for pictures.
    pub fn boards(&self) -> &Boards {
        self.dispatcher.boards()
    }

    /// The part of a page called `key`, made by `make` unless somebody makes it already. Whoever waits longer than
    /// `patience` gets it as it was last made, or nothing; the making goes on.
    pub async fn slow<T>(self: &Arc<Site>, key: &str, patience: Duration, make: T) -> Option<Arc<str>>
    where
        T: Future<Output = Option<String>> + Send + 'static,
    {
        let mut made = {
            let mut slow = self.slow.lock().expect("no holder panics");
            if slow.len() >= MOST_SLOW && !slow.contains_key(key) {
                slow.retain(|_, slow| slow.making.is_some());
            }
            let entry = slow.entry(key.to_owned()).or_default();
            match &entry.making {
                Some(making) => making.clone(),
                None => {
                    let (tell, told) = watch::channel(false);
                    entry.making = Some(told.clone());
                    let (site, key) = (Arc::clone(self), key.to_owned());
                    tokio::spawn(async move {
                        // In a task of its own: what panics must not leave the part in the making for ever.
                        let html = tokio::spawn(make).await.ok().flatten();
                        let mut slow = site.slow.lock().expect("no holder panics");
                        let entry = slow.entry(key).or_default();
                        entry.making = None;
                        if let Some(html) = html {
                            entry.last = Some(html.into());
                        }
                        tell.send_replace(true);
                    });
                    told
                }
            }
        };
        // A sender that is gone has told.
        let _ = tokio::time::timeout(patience, made.wait_for(|made| *made)).await;
        self.slow.lock().expect("no holder panics").get(key)?.last.clone()
    }

    /// Looks again and again at what was spent: new outcomes only.
    pub async fn keep_costs(self: Arc<Site>) {
        loop {
            let after = self.costs.lock().expect("no holder panics").last.unwrap_or(0);
            if let Ok((last, sums)) = self.store().cpu_seconds(after).await {
                let mut costs = self.costs.lock().expect("no holder panics");
                costs.last = Some(last);
                for (sweep, seconds) in sums {
                    *costs.seconds.entry(sweep).or_default() += seconds;
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How a sweep stands. Of one at which nobody works the cells are counted once.
    ///
    /// # Errors
    /// What the database says.
    pub async fn standing(&self, sweep: &store::Sweep) -> store::Result<Standing> {
        let now = self.dispatcher.progress(&sweep.id).await;
        let is_open = matches!(sweep.state, SweepState::Running | SweepState::Paused);
        let known = {
            let settled = self.settled.lock().expect("no holder panics");
            settled
                .get(&sweep.id)
                .filter(|(state, cells, _)| !is_open && (*state, *cells) == (sweep.state, sweep.cells))
                .cloned()
        };
        let (done, linked, failed, running) = match (known, now.cells) {
            (Some((_, _, counts)), _) => (counts.done, counts.linked, counts.failed + counts.quarantined, 0),
            (None, cells) if is_open && cells > 0 => (now.done, now.linked, now.quarantined, now.running),
            (None, _) => {
                let counts = self.store().counts(&sweep.id).await?;
                let found = (counts.done, counts.linked, counts.failed + counts.quarantined, counts.leased);
                if !is_open {
                    let mut settled = self.settled.lock().expect("no holder panics");
                    settled.insert(sweep.id.clone(), (sweep.state, sweep.cells, counts));
                }
                found
            }
        };
        let slots: u64 = self.slots().await.max(1);
        let costs = self.costs.lock().expect("no holder panics");
        Ok(Standing {
            id: sweep.id.clone(),
            name: sweep.name.clone(),
            state: sweep.state.word(),
            cells: sweep.cells,
            done,
            linked,
            failed,
            running,
            seconds_left: (now.trained > 0).then(|| now.core_seconds_left / slots as f64),
            cost: costs.last.map(|_| costs.seconds.get(&sweep.id).copied().unwrap_or(0.0)),
            created_at_ms: sweep.created_at_ms,
            tags: sweep.tags.clone(),
            priority: sweep.priority,
        })
    }

    /// Slots of all workers that are connected.
    async fn slots(&self) -> u64 {
        self.dispatcher.slots()
    }
}

/// What the frame of every page shows.
#[derive(Debug, Clone)]
pub struct Frame {
    /// In the window's title.
    pub title: String,
    /// Who looks.
    pub visitor: Visitor,
    /// Where the page hears what changes; empty: it does not change.
    pub live: String,
    /// What is said at the top, once.
    pub said: Option<String>,
}
