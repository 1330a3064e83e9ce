//! Training: from a trial to its outcome.
//!
//! [`run`] reads like the paper: forward products, objective and gradient, record, stop or step. What is carried from
//! step to step is in `checkpoint`, and nothing else: a run that was interrupted gives the same bits.
//!
//! - [`network`]: `W = W_N ⋯ W_1` and the gradients of its layers
//! - [`objective`]: data loss + λ·penalty and its gradient
//! - [`spectrum`]: SVD and polar factor, decompositions; [`blas`]: products and threads
//! - `sparse`: the products of which few entries count; `real`: numbers of 64 or 32 bits
//! - `polar`: the polar factor without an SVD, from `bidiagonal` (W = Q B Zᵀ), `qr` before it where W is
//!   tall, `poles` (functions of B) and `reflectors` (Q, Z);
//!   `lanes`: 64 bytes of numbers at a time
//! - [`metrics`]: what a point measures; [`recording`]: when
//! - `probe`: the step taken beside those of other optimizers and of the end-to-end flow
//! - [`stop`]: stop rules on the training objective; `checkpoint`: a run in the middle
//! - [`cost`]: flops and bytes, before anything runs

mod bidiagonal;
pub mod blas;
mod checkpoint;
pub mod cost;
mod lanes;
pub mod metrics;
pub mod network;
pub mod objective;
mod polar;
mod poles;
mod probe;
mod qr;
pub mod real;
pub mod recording;
mod reflectors;
mod sparse;
pub mod spectrum;
pub mod stop;

use crate::baseline;
use crate::error::{Error, Result};
use crate::optimizer::State;
use crate::outcome::{self as column, Matrix, Outcome, Point, Status};
use crate::penalty::Penalty;
use crate::problem::{self, Data, Files, Measurements};
use crate::registry;
use crate::trial::Trial;
use crate::{init, optimizer, penalty, schedule};
use checkpoint::Checkpoint;
use metrics::Metrics;
use ndarray::Array2;
use network::Network;
use objective::{Loss, Objective};
use probe::Probe;
use real::Real;

/// What a run asks of its surroundings: the time, and whether to go on. Nothing that it answers can change a
/// number of the outcome, except to end the run.
pub trait Monitor {
    /// Wall and CPU seconds of this thread, from any origin. Display and limits only.
    fn seconds(&self) -> (f64, f64);
    /// Asked after every step (every iteration of a baseline). Cheap.
    fn control(&mut self, step: u64) -> Control;
    /// Takes a checkpoint that was asked for.
    fn checkpoint(&mut self, step: u64, bytes: Vec<u8>);
}

/// What to do after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Take the next step.
    Continue,
    /// Hand a checkpoint to [`Monitor::checkpoint`], then take the next step.
    Checkpoint,
    /// End now and return [`Ended::HandedBack`].
    HandBack,
    /// The time limit is over: end with status `out_of_time`.
    OutOfTime,
}

/// How a call of [`run`] ended.
#[derive(Debug)]
pub enum Ended {
    /// The run is over.
    Outcome(Box<Outcome>),
    /// The run was asked to hand back; these bytes go on from there, bit for bit. (Empty for a baseline: it starts anew.)
    HandedBack(Vec<u8>),
}

/// Runs `trial` from its start or from a checkpoint of it.
///
/// # Errors
/// Data files that cannot be read, LAPACK's refusals, a checkpoint of another trial. Divergence is an outcome.
pub fn run(trial: &Trial, files: &dyn Files, resume: Option<&[u8]>, monitor: &mut dyn Monitor) -> Result<Ended> {
    let data = problem::load(trial, files)?;
    if !trial.is_training() {
        solve(trial, &data, monitor)
    } else if trial.text("dtype") == f32::NAME {
        train::<f32>(trial, &data, files, resume, monitor)
    } else {
        train::<f64>(trial, &data, files, resume, monitor)
    }
}

/// Reads the files of `trial` as a run does, but runs nothing: n1, n2 and the number of training measurements.
///
/// # Errors
/// What is wrong with the files, as [`run`] would report it.
pub fn inspect(trial: &Trial, files: &dyn Files) -> Result<(usize, usize, usize)> {
    let data = problem::load(trial, files)?;
    if trial.is_training() {
        penalty::check(trial, data.n1, data.n2)?;
    }
    if trial.is_training() && trial.text("init") == "file" {
        let dims = dimensions(data.n1, data.n2, trial.size("depth"), trial.size("width"));
        let init = (registry::find("init", init::KNOWN, trial.text("init"))?.build)(trial);
        init.factors(&dims, trial.int("init_seed"), files)?;
    }
    Ok((data.n1, data.n2, data.train.values().len()))
}

/// Dimensions of the layers: `[n2, width, …, width, n1]`; width 0 means min(n1, n2).
pub fn dimensions(n1: usize, n2: usize, depth: usize, width: usize) -> Vec<usize> {
    let hidden = if width == 0 { n1.min(n2) } else { width };
    let mut dims = vec![hidden; depth + 1];
    dims[0] = n2;
    dims[depth] = n1;
    dims
}

fn train<T: Real>(
    trial: &Trial,
    data: &Data,
    files: &dyn Files,
    resume: Option<&[u8]>,
    monitor: &mut dyn Monitor,
) -> Result<Ended> {
    let mut run = Run::<T>::new(trial, data, files, resume, monitor)?;
    let mut out_of_time = false;
    let status = loop {
        match run.look(out_of_time, monitor) {
            Err(Error::NotFinite) => break Status::Diverged,
            looked => {
                if let Some(status) = looked? {
                    break status;
                }
            }
        }
        match run.step() {
            Err(Error::NotFinite) => break Status::Diverged,
            stepped => stepped?,
        }
        match monitor.control(run.carried.optimizer.t) {
            Control::Continue => {}
            Control::OutOfTime => out_of_time = true,
            Control::HandBack => return Ok(Ended::HandedBack(run.checkpoint(monitor))),
            Control::Checkpoint => {
                let bytes = run.checkpoint(monitor);
                monitor.checkpoint(run.carried.optimizer.t, bytes);
                run.recorder.start_watch(monitor, &run.carried);
            }
        }
    };
    Ok(Ended::Outcome(Box::new(run.end(status, monitor))))
}

/// A training run at some step.
struct Run<'d, T: Real> {
    data: &'d Data,
    network: Network<T>,
    objective: Objective<'d, T>,
    optimizer: Box<dyn optimizer::Optimizer>,
    schedule: Box<dyn schedule::Schedule>,
    rules: stop::Rules,
    recorder: Recorder<'d>,
    probe: Option<Probe>,
    carried: Checkpoint,
    lr: f64,
    /// η_t of the step that follows.
    lr_scheduled: f64,
    total: u64,
    keep_final: bool,
}

impl<'d, T: Real> Run<'d, T> {
    fn new(
        trial: &Trial,
        data: &'d Data,
        files: &dyn Files,
        resume: Option<&[u8]>,
        monitor: &dyn Monitor,
    ) -> Result<Run<'d, T>> {
        penalty::check(trial, data.n1, data.n2)?;
        let optimizer = (registry::find("optimizer", optimizer::KNOWN, trial.text("optimizer"))?.build)(trial);
        let schedule = (registry::find("schedule", schedule::KNOWN, trial.text("schedule"))?.build)(trial);
        let penalty = (registry::find("penalty", penalty::KNOWN, trial.text("penalty"))?.build)(trial);
        let digest = trial.digest()?;
        let (layers, mut carried) = match resume {
            Some(bytes) => Checkpoint::read(bytes, &digest)?,
            None => {
                let dims = dimensions(data.n1, data.n2, trial.size("depth"), trial.size("width"));
                let init = (registry::find("init", init::KNOWN, trial.text("init"))?.build)(trial);
                let layers = init.factors(&dims, trial.int("init_seed"), files)?;
                let state = State::new(&*optimizer, &layers);
                (layers, Checkpoint::start(digest, state, schedule.scalars()))
            }
        };
        let on_layers = trial.text("penalty_on") == "layers";
        let observed = match &data.train {
            // A penalty on W needs all of it.
            Measurements::Entries(entries) if on_layers || matches!(penalty, Penalty::None) => {
                Some(entries).filter(|entries| sparse::pays(entries.index.len(), data.n1, data.n2))
            }
            _ => None,
        };
        let layers = layers.iter().map(|layer| T::narrowed(layer).into_owned()).collect();
        let network = Network::new(layers, observed);
        let lambda = trial.get("lambda").map_or(0.0, |_| trial.float("lambda"));
        let loss = Loss::named(trial.text("loss"));
        let decomposition = spectrum::Decomposition::named(trial.text("decomposition"));
        let mut objective = Objective::new(&data.train, loss, penalty, lambda, on_layers, decomposition, &network);
        (objective.fallbacks, objective.unresolved) = (carried.fallbacks, carried.unresolved);
        let probe = match trial.text("probe") {
            "on" => {
                let (depth, top_k) = (network.layers.len(), trial.size("top_k"));
                Some(Probe::new(data.n1, data.n2, depth, top_k, &mut carried.probe)?)
            }
            _ => None,
        };
        let recorder = Recorder::new(trial, data, monitor, &mut carried)?;
        Ok(Run {
            data,
            network,
            objective,
            optimizer,
            schedule,
            rules: stop::Rules { tolerance: trial.float("tolerance"), converge: trial.float("converge") },
            recorder,
            probe,
            carried,
            lr: trial.float("lr"),
            lr_scheduled: 0.0,
            total: trial.size("steps") as u64,
            keep_final: trial.text("matrices") == "final",
        })
    }

    /// Evaluates at the current weights, records if it is time, and answers whether the run is over.
    fn look(&mut self, out_of_time: bool, monitor: &dyn Monitor) -> Result<Option<Status>> {
        let step = self.carried.optimizer.t;
        let last = step == self.total;
        if last {
            // What follows is for the last point alone.
            self.recorder.stop_watch(monitor, &mut self.carried);
        }
        self.network.forward();
        let value = self.objective.evaluate(&self.network)?;
        if !value.objective.is_finite() {
            return Err(Error::NotFinite);
        }
        let entries_alone = self.network.observed().is_some();
        if entries_alone && self.rules.look(step) {
            self.network.complete();
        }
        let w = self.network.end_to_end();
        let status = if self.rules.met(&mut self.carried.stop, step, value.loss, value.objective, w) {
            Some(Status::Converged)
        } else if last {
            Some(Status::Budget)
        } else {
            out_of_time.then_some(Status::OutOfTime)
        };
        let factor = self.schedule.factor(step + 1, self.total, value.objective, &mut self.carried.schedule);
        self.lr_scheduled = self.lr * factor;
        if status.is_some() || self.recorder.due(step, &self.carried) {
            if !last {
                self.recorder.stop_watch(monitor, &mut self.carried);
            }
            if entries_alone {
                self.network.complete();
            }
            let mut point = self.recorder.metrics.of_training(step, &self.network, value, &self.objective)?;
            point.set(column::LR, self.lr_scheduled);
            self.carried.probe.tell(&mut point);
            self.recorder.keep(point, || matrices(step, &self.network), monitor, &mut self.carried);
        }
        if let Some(probe) = self.probe.as_mut().filter(|_| status.is_none()) {
            probe.follow(&self.objective, entries_alone, &mut self.carried.probe)?;
            if self.recorder.due(step + 1, &self.carried) {
                self.network.complete();
                probe.aim(&self.network)?;
            }
        }
        Ok(status)
    }

    /// Takes one step.
    fn step(&mut self) -> Result<()> {
        self.objective.backward(&mut self.network);
        self.carried.optimizer.t += 1;
        let mut layers = T::layers(&mut self.network.layers, &self.network.gradients);
        self.optimizer.step(self.lr_scheduled, &mut layers, &mut self.carried.optimizer)?;
        if let Some(probe) = self.probe.as_mut().filter(|probe| probe.is_aimed()) {
            self.network.forward();
            self.network.complete();
            probe.measure(&self.network, self.lr_scheduled, &mut self.carried.probe)?;
        }
        Ok(())
    }

    /// Everything carried, as bytes; the watch stands still until it is started again.
    fn checkpoint(&mut self, monitor: &dyn Monitor) -> Vec<u8> {
        self.recorder.stop_watch(monitor, &mut self.carried);
        (self.carried.fallbacks, self.carried.unresolved) = (self.objective.fallbacks, self.objective.unresolved);
        self.carried.write(&self.network.layers.iter().map(T::widened).collect::<Vec<_>>())
    }

    fn end(mut self, status: Status, monitor: &dyn Monitor) -> Outcome {
        self.recorder.stop_watch(monitor, &mut self.carried);
        (self.carried.fallbacks, self.carried.unresolved) = (self.objective.fallbacks, self.objective.unresolved);
        let steps = self.carried.optimizer.t;
        if self.keep_final && status != Status::Diverged {
            self.carried.matrices = matrices(steps, &self.network);
        }
        let last = self.carried.trajectory.last().cloned().unwrap_or_else(Point::empty);
        outcome(self.data, status, steps, last, self.carried)
    }
}

/// A baseline stands where an optimizer stands; its trajectory is its solution alone.
fn solve(trial: &Trial, data: &Data, monitor: &mut dyn Monitor) -> Result<Ended> {
    let baseline = (registry::find("baseline", baseline::KNOWN, trial.text("baseline"))?.build)(trial);
    let (wall, cpu) = monitor.seconds();
    let (mut iteration, mut last_word) = (0, Control::Continue);
    let solution = baseline.solve(data, &mut || {
        iteration += 1;
        last_word = monitor.control(iteration);
        matches!(last_word, Control::Continue | Control::Checkpoint)
    })?;
    if last_word == Control::HandBack {
        return Ok(Ended::HandedBack(Vec::new()));
    }
    let (wall_end, cpu_end) = monitor.seconds();
    let status = match (last_word, solution.converged) {
        (Control::OutOfTime, _) => Status::OutOfTime,
        (_, true) => Status::Converged,
        (_, false) => Status::Budget,
    };
    let mut carried = Checkpoint::start(String::new(), State::default(), 0);
    (carried.wall_seconds, carried.cpu_seconds) = (wall_end - wall, cpu_end - cpu);
    let measured = Metrics::new(data, trial.size("top_k"))?.of_matrix(solution.iterations, &solution.w);
    let (status, mut point) = match measured {
        Err(Error::NotFinite) => (Status::Diverged, Point::empty()),
        other => (status, other?),
    };
    point.set(column::TRAIN_LOSS, objective::mean_square(&data.train, &solution.w));
    point.set(column::OBJECTIVE, solution.objective.unwrap_or(f64::NAN));
    point.set(column::WALL_SECONDS, carried.wall_seconds);
    point.set(column::CPU_SECONDS, carried.cpu_seconds);
    if trial.text("matrices") != "none" {
        carried.matrices = vec![matrix(solution.iterations, 0, &solution.w)];
    }
    carried.trajectory = vec![point.clone()];
    carried.recording_seconds = monitor.seconds().0 - wall_end;
    Ok(Ended::Outcome(Box::new(outcome(data, status, solution.iterations, point, carried))))
}

/// Takes points and keeps the time of training apart from the time of recording.
struct Recorder<'d> {
    metrics: Metrics<'d>,
    steps: Vec<u64>,
    every_matrix: bool,
    /// Wall and CPU seconds at the start of this call, less what earlier calls and recording have used.
    origin: (f64, f64),
}

impl<'d> Recorder<'d> {
    fn new(trial: &Trial, data: &'d Data, monitor: &dyn Monitor, carried: &mut Checkpoint) -> Result<Recorder<'d>> {
        let steps = recording::steps(trial.int("steps") as u64, trial.size("points"));
        // The list never grows again, so that recording allocates only what a point itself holds.
        carried.trajectory.reserve_exact(steps.len() + 1 - carried.trajectory.len().min(steps.len()));
        // Before the watch starts: the truth's singular spaces are no part of training.
        let metrics = Metrics::new(data, trial.size("top_k"))?;
        let (wall, cpu) = monitor.seconds();
        Ok(Recorder {
            metrics,
            steps,
            every_matrix: trial.text("matrices") == "points",
            origin: (wall - carried.wall_seconds, cpu - carried.cpu_seconds),
        })
    }

    /// Whether `step` is one to record. Points come in order, so the next one is the number of those taken.
    fn due(&self, step: u64, carried: &Checkpoint) -> bool {
        self.steps.get(carried.trajectory.len()) == Some(&step)
    }

    /// Keeps a point (and, if asked, matrices), and starts the watch again.
    fn keep(
        &mut self,
        mut point: Point,
        matrices: impl Fn() -> Vec<Matrix>,
        monitor: &dyn Monitor,
        carried: &mut Checkpoint,
    ) {
        point.set(column::WALL_SECONDS, carried.wall_seconds);
        point.set(column::CPU_SECONDS, carried.cpu_seconds);
        carried.trajectory.push(point);
        if self.every_matrix {
            carried.matrices.extend(matrices());
        }
        let stopped_at = self.origin.0 + carried.wall_seconds;
        carried.recording_seconds += monitor.seconds().0 - stopped_at;
        self.start_watch(monitor, carried);
    }

    /// Brings the seconds of training up to now.
    fn stop_watch(&self, monitor: &dyn Monitor, carried: &mut Checkpoint) {
        let (wall, cpu) = monitor.seconds();
        (carried.wall_seconds, carried.cpu_seconds) = (wall - self.origin.0, cpu - self.origin.1);
    }

    fn start_watch(&mut self, monitor: &dyn Monitor, carried: &Checkpoint) {
        let (wall, cpu) = monitor.seconds();
        self.origin = (wall - carried.wall_seconds, cpu - carried.cpu_seconds);
    }
}

/// W as layer 0, and the factors where there are several.
fn matrices<T: Real>(step: u64, network: &Network<T>) -> Vec<Matrix> {
    let factors = if network.layers.len() > 1 { &network.layers[..] } else { &[] };
    std::iter::once(network.end_to_end())
        .chain(factors)
        .enumerate()
        .map(|(layer, m)| matrix(step, layer as u32, &T::widened(m)))
        .collect()
}

fn matrix(step: u64, layer: u32, m: &Array2<f64>) -> Matrix {
    Matrix { step, layer, rows: m.nrows() as u32, columns: m.ncols() as u32, values: m.iter().copied().collect() }
}

/// Puts an outcome together.
fn outcome(data: &Data, status: Status, steps: u64, last: Point, carried: Checkpoint) -> Outcome {
    let y = data.train.values();
    let mean_square = y.iter().map(|y| y * y).sum::<f64>() / y.len().max(1) as f64;
    // 1.5: the project's threshold; W* itself has ‖W*‖_F ≈ √(n1·n2·mean Y²).
    let bound = 1.5 * ((data.n1 * data.n2) as f64 * mean_square).sqrt();
    let best = |by: usize| {
        carried
            .trajectory
            .iter()
            .filter(|point| point.get(by).is_some())
            .min_by(|a, b| a.get(by).unwrap_or(f64::INFINITY).total_cmp(&b.get(by).unwrap_or(f64::INFINITY)))
            .cloned()
    };
    Outcome {
        status,
        inflated: last.get(column::FROBENIUS).is_some_and(|norm| norm > bound),
        steps,
        measurements: y.len() as u64,
        oracle: best(column::TEST_MSE),
        validated: best(column::VALIDATION_MSE),
        last,
        fallbacks: carried.fallbacks,
        unresolved_directions: carried.unresolved,
        wall_seconds: carried.wall_seconds,
        cpu_seconds: carried.cpu_seconds,
        recording_seconds: carried.recording_seconds,
        trajectory: carried.trajectory,
        matrices: carried.matrices,
    }
}
