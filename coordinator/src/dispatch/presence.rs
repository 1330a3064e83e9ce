//! Who is there, what each holds, and until when. Pure: no I/O; time is an argument.
//!
//! One rule: a lease belongs to a worker, and lasts as long as its worker is heard. Deadlines are monotonic and here
//! only; what is stored of a lease (cell, worker, fence) has none. A worker that comes back in time keeps what it can
//! name; whatever is past its deadline is taken from it, and then its fence no longer counts.

use crate::store::Lease;
use std::collections::BTreeMap;
use tokio::sync::mpsc;

/// How long leases last.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// A lease ends when its worker was not heard for this long; milliseconds.
    pub lease_ms: u64,
    /// How often a worker is to be heard.
    pub heartbeat_ms: u64,
    /// A worker whose connection dropped may come back for this long.
    pub grace_ms: u64,
}

impl Default for Settings {
    /// 30 s, 5 s, 0.75 s.
    fn default() -> Settings {
        Settings { lease_ms: 30_000, heartbeat_ms: 5_000, grace_ms: 750 }
    }
}

/// What a worker is told without having asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Others are idle: what of this has not begun is wanted back.
    GiveBack(Vec<Lease>),
    /// These leases hold no longer.
    Cancel(Vec<Lease>),
}

/// One connection of one worker; a later one of the same worker takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// The worker's name.
    pub worker: String,
    /// Id of its stored provenance.
    pub provenance: String,
    connection: u64,
}

/// A lease that is held.
#[derive(Debug, Clone)]
struct Held {
    fence: i64,
    /// Leases of one worker are begun in this order.
    turn: u64,
}

/// A worker as it is known here.
#[derive(Debug)]
struct Here {
    connection: u64,
    connected: bool,
    slots: usize,
    deadline_ms: u64,
    provenance: String,
    held: BTreeMap<(String, u64), Held>,
    /// Whether what it holds must run alone.
    alone: bool,
    /// When it was last asked to give back.
    asked_ms: Option<u64>,
    orders: mpsc::UnboundedSender<Order>,
    finished: u64,
    /// Endings, each fading over a minute, as of `faded_ms`.
    recent: f64,
    faded_ms: u64,
}

/// A worker that is there, for display.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Its name.
    pub worker: String,
    /// Whether it is connected.
    pub connected: bool,
    /// Runs at a time.
    pub slots: usize,
    /// What it holds: sweep and cell.
    pub holds: Vec<(String, u64)>,
    /// Attempts that it ended since the coordinator started.
    pub finished: u64,
    /// The same per second, over about the last minute.
    pub per_second: f64,
}

/// The answer to a worker that comes.
#[derive(Debug)]
pub struct Arrival {
    /// Its connection.
    pub seat: Seat,
    /// Of what it named, what it keeps.
    pub kept: Vec<Lease>,
    /// Of what it named, what it no longer has.
    pub lost: Vec<Lease>,
    /// What it had and did not name: it never heard of these leases. To be given back.
    pub unheard: Vec<Lease>,
    /// What it is told from now on.
    pub orders: mpsc::UnboundedReceiver<Order>,
}

/// Everyone who is there.
#[derive(Debug)]
pub struct Presence {
    settings: Settings,
    workers: BTreeMap<String, Here>,
    connections: u64,
    turns: u64,
    swept_ms: Option<u64>,
}

/// Milliseconds over which an ending fades from a worker's speed.
const FADES_MS: f64 = 60_000.0;
/// A worker is asked to give back at most this often.
const ASK_AGAIN_MS: u64 = 1_000;
/// A process that did not look at deadlines for this long was itself held up, and could hear nobody.
const HELD_UP_MS: u64 = 2_000;

impl Presence {
    /// Nobody.
    pub fn new(settings: Settings) -> Presence {
        Presence { settings, workers: BTreeMap::new(), connections: 0, turns: 0, swept_ms: None }
    }

    /// A lease that an earlier process gave: its worker has one fresh period to come and name it.
    pub fn remember(&mut self, worker: &str, lease: &Lease, now_ms: u64) {
        self.turns += 1;
        let (lease_ms, turn) = (self.settings.lease_ms, self.turns);
        let here = self.workers.entry(worker.to_owned()).or_insert_with(|| Here::unconnected(now_ms + lease_ms));
        here.held.insert((lease.sweep.clone(), lease.cell), Held { fence: lease.fence, turn });
    }

    /// A worker comes, and names what it holds.
    pub fn arrive(&mut self, worker: &str, provenance: &str, slots: usize, holds: &[Lease], now_ms: u64) -> Arrival {
        self.connections += 1;
        let (tell, orders) = mpsc::unbounded_channel();
        let here = self.workers.entry(worker.to_owned()).or_insert_with(|| Here::unconnected(now_ms));
        here.connection = self.connections;
        here.connected = true;
        here.slots = slots;
        here.provenance = provenance.to_owned();
        here.deadline_ms = now_ms + self.settings.lease_ms;
        here.asked_ms = None;
        here.orders = tell;
        let (kept, lost): (Vec<Lease>, Vec<Lease>) = holds.iter().cloned().partition(|lease| here.holds(lease));
        let named = |(sweep, cell): &(String, u64)| kept.iter().any(|k| k.sweep == *sweep && k.cell == *cell);
        let unheard = here.take(|key| !named(key));
        let seat = Seat { worker: worker.to_owned(), provenance: provenance.to_owned(), connection: self.connections };
        Arrival { seat, kept, lost, unheard, orders }
    }

    /// The worker of this connection was heard. False if the connection no longer counts.
    pub fn hear(&mut self, seat: &Seat, now_ms: u64) -> bool {
        let lease_ms = self.settings.lease_ms;
        self.current(seat).map(|here| here.deadline_ms = now_ms + lease_ms).is_some()
    }

    /// A connection dropped: the grace begins.
    pub fn leave(&mut self, seat: &Seat, now_ms: u64) {
        let grace_ms = self.settings.grace_ms;
        if let Some(here) = self.current(seat) {
            here.connected = false;
            here.deadline_ms = here.deadline_ms.min(now_ms + grace_ms);
        }
    }

    /// A lease was given. One given to a worker that has just gone ends with the next look at deadlines.
    pub fn grant(&mut self, seat: &Seat, lease: &Lease, alone: bool) {
        self.turns += 1;
        let turn = self.turns;
        let here = self.workers.entry(seat.worker.clone()).or_insert_with(|| Here::unconnected(0));
        here.alone |= alone;
        here.held.insert((lease.sweep.clone(), lease.cell), Held { fence: lease.fence, turn });
    }

    /// A lease ended, by whatever its worker said. False if the worker did not hold it.
    pub fn release(&mut self, worker: &str, lease: &Lease, now_ms: u64) -> bool {
        let Some(here) = self.workers.get_mut(worker).filter(|here| here.holds(lease)) else { return false };
        here.held.remove(&(lease.sweep.clone(), lease.cell));
        here.alone &= !here.held.is_empty();
        here.finished += 1;
        here.recent = here.speed(now_ms) + 1.0;
        here.faded_ms = now_ms;
        true
    }

    /// Takes every lease past its deadline from its worker: (worker, its leases, whether it is still connected).
    pub fn expire(&mut self, now_ms: u64) -> Vec<(String, Vec<Lease>, bool)> {
        let before = self.swept_ms.replace(now_ms).unwrap_or(now_ms);
        let held_up = now_ms.saturating_sub(before);
        if held_up >= HELD_UP_MS.min(self.settings.lease_ms) {
            self.workers.values_mut().for_each(|here| here.deadline_ms += held_up);
        }
        let mut gone = Vec::new();
        self.workers.retain(|worker, here| {
            let past = here.deadline_ms <= now_ms;
            if past {
                gone.push((worker.clone(), here.take(|_| true), here.connected));
            }
            !past
        });
        gone
    }

    /// Takes the leases that `which` names from whoever has them, and tells them so.
    pub fn revoke(&mut self, which: impl Fn(&str, u64) -> bool) -> Vec<Lease> {
        let mut all = Vec::new();
        for here in self.workers.values_mut() {
            let taken = here.take(|(sweep, cell)| which(sweep, *cell));
            if !taken.is_empty() {
                // One that has gone hears it when it names them.
                let _ = here.orders.send(Order::Cancel(taken.clone()));
                all.extend(taken);
            }
        }
        all
    }

    /// Asks everyone for the leases of a sweep that they have not begun.
    pub fn ask_all_back(&self, sweep: &str) {
        for here in self.workers.values() {
            let wanted: Vec<Lease> = here.held.iter().filter(|((of, _), _)| of == sweep).map(lease).collect();
            if !wanted.is_empty() {
                // One that has gone gives everything back anyway.
                let _ = here.orders.send(Order::GiveBack(wanted));
            }
        }
    }

    /// Somebody is idle and there is nothing to give: asks the worker with most leases beyond its slots for half of
    /// these, the last given first.
    pub fn ask_back(&mut self, idle: &Seat, now_ms: u64) {
        let spare = |here: &Here| here.held.len().saturating_sub(here.slots);
        let willing = |name: &String, here: &Here| {
            *name != idle.worker
                && here.connected
                && spare(here) > 0
                && here.asked_ms.is_none_or(|asked| now_ms >= asked + ASK_AGAIN_MS)
        };
        let most =
            self.workers.iter_mut().filter(|(name, here)| willing(name, here)).max_by_key(|(_, here)| spare(here));
        let Some((_, here)) = most else { return };
        let mut leases: Vec<_> = here.held.iter().collect();
        leases.sort_by_key(|(_, held)| std::cmp::Reverse(held.turn));
        leases.truncate(spare(here).div_ceil(2));
        let wanted = leases.into_iter().map(lease).collect();
        here.asked_ms = Some(now_ms);
        // One that has just gone gives everything back anyway.
        let _ = here.orders.send(Order::GiveBack(wanted));
    }

    /// The connection of this worker, where it has one.
    pub fn seat(&self, worker: &str) -> Option<Seat> {
        let here = self.workers.get(worker).filter(|here| here.connected)?;
        Some(Seat { worker: worker.to_owned(), provenance: here.provenance.clone(), connection: here.connection })
    }

    /// Whether this connection still counts.
    pub fn is_current(&self, seat: &Seat) -> bool {
        self.workers.get(&seat.worker).is_some_and(|here| here.connected && here.connection == seat.connection)
    }

    /// Whether anyone but this worker is connected.
    pub fn has_others(&self, worker: &str) -> bool {
        self.workers.iter().any(|(name, here)| name != worker && here.connected)
    }

    /// Whether the worker has what must run alone.
    pub fn is_alone(&self, worker: &str) -> bool {
        self.workers.get(worker).is_some_and(|here| here.alone)
    }

    /// Whether nothing is leased to the worker.
    pub fn is_free(&self, worker: &str) -> bool {
        self.workers.get(worker).is_none_or(|here| here.held.is_empty())
    }

    /// Slots of a worker.
    pub fn slots(&self, worker: &str) -> usize {
        self.workers.get(worker).map_or(0, |here| here.slots)
    }

    /// Whether this very lease is held by someone.
    pub fn holds(&self, lease: &Lease) -> bool {
        self.workers.values().any(|here| here.holds(lease))
    }

    /// Leases of a sweep that are held.
    pub fn running(&self, sweep: &str) -> u64 {
        self.workers.values().flat_map(|here| here.held.keys()).filter(|(of, _)| of == sweep).count() as u64
    }

    /// Everyone, by name.
    pub fn view(&self, now_ms: u64) -> Vec<View> {
        let view = |(name, here): (&String, &Here)| View {
            worker: name.clone(),
            connected: here.connected,
            slots: here.slots,
            holds: here.held.keys().cloned().collect(),
            finished: here.finished,
            per_second: here.speed(now_ms) * 1000.0 / FADES_MS,
        };
        self.workers.iter().map(view).collect()
    }

    fn current(&mut self, seat: &Seat) -> Option<&mut Here> {
        self.workers.get_mut(&seat.worker).filter(|here| here.connected && here.connection == seat.connection)
    }
}

impl Here {
    fn unconnected(deadline_ms: u64) -> Here {
        Here {
            connection: 0,
            connected: false,
            slots: 0,
            deadline_ms,
            provenance: String::new(),
            held: BTreeMap::new(),
            alone: false,
            asked_ms: None,
            orders: mpsc::unbounded_channel().0,
            finished: 0,
            recent: 0.0,
            faded_ms: 0,
        }
    }

    fn holds(&self, lease: &Lease) -> bool {
        // The key by value: a tuple of a borrowed text is no key of this map.
        self.held.get(&(lease.sweep.clone(), lease.cell)).is_some_and(|held| held.fence == lease.fence)
    }

    /// Takes away the leases whose key passes.
    fn take(&mut self, passes: impl Fn(&(String, u64)) -> bool) -> Vec<Lease> {
        let taken = self.held.iter().filter(|(key, _)| passes(key)).map(lease).collect();
        self.held.retain(|key, _| !passes(key));
        self.alone &= !self.held.is_empty();
        taken
    }

    fn speed(&self, now_ms: u64) -> f64 {
        self.recent * (-(now_ms.saturating_sub(self.faded_ms) as f64) / FADES_MS).exp()
    }
}

fn lease(((sweep, cell), held): (&(String, u64), &Held)) -> Lease {
    Lease { sweep: sweep.clone(), cell: *cell, fence: held.fence }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings = Settings { lease_ms: 1_000, heartbeat_ms: 200, grace_ms: 100 };

    fn lease(cell: u64, fence: i64) -> Lease {
        Lease { sweep: "s".to_owned(), cell, fence }
    }

    fn arrive(presence: &mut Presence, worker: &str, holds: &[Lease], now_ms: u64) -> Arrival {
        presence.arrive(worker, "p", 1, holds, now_ms)
    }

    fn cells(leases: &[Lease]) -> Vec<u64> {
        leases.iter().map(|lease| lease.cell).collect()
    }

    #[test]
    fn a_lease_lasts_as_long_as_its_worker_is_heard() {
        let mut presence = Presence::new(SETTINGS);
        let seat = arrive(&mut presence, "w", &[], 0).seat;
        presence.grant(&seat, &lease(7, 1), false);
        assert!(presence.hear(&seat, 900) && presence.expire(1_000).is_empty());
        presence.expire(1_800);
        let gone = presence.expire(1_900);
        assert_eq!((gone.len(), cells(&gone[0].1), gone[0].2), (1, vec![7], true));
        assert!(!presence.hear(&seat, 1_901), "a worker that hung must come anew");
    }

    #[test]
    fn who_comes_back_within_the_grace_keeps_what_it_names() {
        let mut presence = Presence::new(SETTINGS);
        let seat = arrive(&mut presence, "w", &[], 0).seat;
        [1, 2].iter().for_each(|&cell| presence.grant(&seat, &lease(cell, 1), false));
        presence.leave(&seat, 50);
        assert!(presence.expire(149).is_empty());
        let back = arrive(&mut presence, "w", &[lease(1, 1), lease(3, 1), lease(2, 9)], 149);
        assert_eq!((cells(&back.kept), cells(&back.lost), cells(&back.unheard)), (vec![1], vec![3, 2], vec![2]));
        // The old connection ends late: nothing happens.
        presence.leave(&seat, 150);
        assert!(presence.expire(1_000).is_empty() && presence.is_current(&back.seat));
    }

    #[test]
    fn who_stays_away_longer_loses_it() {
        let mut presence = Presence::new(SETTINGS);
        let seat = arrive(&mut presence, "w", &[], 0).seat;
        presence.grant(&seat, &lease(1, 1), false);
        presence.leave(&seat, 50);
        let gone = presence.expire(150);
        assert_eq!((cells(&gone[0].1), gone[0].2), (vec![1], false));
        assert_eq!(cells(&arrive(&mut presence, "w", &[lease(1, 1)], 151).lost), [1]);
    }

    #[test]
    fn what_an_earlier_process_gave_has_one_fresh_period() {
        let mut presence = Presence::new(SETTINGS);
        presence.remember("w", &lease(1, 4), 5_000);
        assert!(presence.expire(5_999).is_empty());
        let back = arrive(&mut presence, "w", &[lease(1, 4)], 5_999);
        assert_eq!(cells(&back.kept), [1]);
        presence.remember("v", &lease(2, 4), 6_000);
        let gone: Vec<_> = [6_900, 6_999, 7_000].iter().flat_map(|&now| presence.expire(now)).collect();
        assert_eq!(
            gone.iter().map(|(w, l, _)| (w.as_str(), cells(l))).collect::<Vec<_>>(),
            [("w", vec![1]), ("v", vec![2])]
        );
    }

    #[test]
    fn a_process_that_was_held_up_itself_takes_nothing_away() {
        let mut presence = Presence::new(SETTINGS);
        let seat = arrive(&mut presence, "w", &[], 0).seat;
        presence.grant(&seat, &lease(1, 1), false);
        assert!(presence.expire(10).is_empty());
        assert!(presence.expire(50_000).is_empty(), "stopped for 50 s: nobody could be heard");
        assert!(presence.hear(&seat, 50_001) && presence.expire(50_900).is_empty());
    }

    #[test]
    fn the_idle_get_what_others_have_beyond_their_slots() {
        let mut presence = Presence::new(SETTINGS);
        let mut busy = arrive(&mut presence, "busy", &[], 0);
        let idle = arrive(&mut presence, "idle", &[], 0).seat;
        (0..4).for_each(|cell| presence.grant(&busy.seat, &lease(cell, 1), false));
        presence.ask_back(&idle, 0);
        presence.ask_back(&idle, 999);
        // Three beyond its one slot: two of them, the last first; asked once in a second.
        assert_eq!(busy.orders.try_recv(), Ok(Order::GiveBack(vec![lease(3, 1), lease(2, 1)])));
        assert!(busy.orders.try_recv().is_err());
        presence.ask_back(&busy.seat, 2_000);
        assert!(busy.orders.try_recv().is_err(), "nobody gives to itself");
    }

    #[test]
    fn what_is_revoked_is_told_to_whoever_has_it() {
        let mut presence = Presence::new(SETTINGS);
        let mut here = arrive(&mut presence, "w", &[], 0);
        (0..3).for_each(|cell| presence.grant(&here.seat, &lease(cell, 1), false));
        assert_eq!(cells(&presence.revoke(|_, cell| cell != 1)), [0, 2]);
        assert_eq!(here.orders.try_recv(), Ok(Order::Cancel(vec![lease(0, 1), lease(2, 1)])));
        assert_eq!(presence.running("s"), 1);
    }

    #[test]
    fn speed_is_that_of_the_last_minute() {
        let mut presence = Presence::new(SETTINGS);
        let seat = arrive(&mut presence, "w", &[], 0).seat;
        for second in 0..600u64 {
            presence.grant(&seat, &lease(second, 1), false);
            assert!(presence.release("w", &lease(second, 1), second * 1_000));
        }
        let view = presence.view(600_000).remove(0);
        assert!((view.per_second - 1.0).abs() < 0.05, "{view:?}");
        assert_eq!(view.finished, 600);
        assert!(presence.view(900_000)[0].per_second < 0.01);
    }
}
