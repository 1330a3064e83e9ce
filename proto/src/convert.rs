//! The only translation between the wire and the model.
//!
//! What comes from the wire is checked, never trusted: every `TryFrom` names what is wrong. Numbers keep their bits; what
//! is absent stays absent.

use crate::v1;
use std::collections::{BTreeMap, HashMap};
use sweep_core::job::{self, Ending};
use sweep_core::outcome::{COLUMNS, Matrix, Outcome, Point, Status};
use sweep_core::trial::Trial;
use sweep_core::value::Value;

/// A message that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A field that must be there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field with a value that cannot be.
    #[error("{what} is {value}; allowed: {allowed}")]
    Value {
        /// The field.
        what: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        allowed: String,
    },
    /// A trial that the model refuses.
    #[error("trial: {0}")]
    Trial(String),
}

/// Shorthand.
pub type Result<T> = std::result::Result<T, Error>;

impl From<&Value> for v1::Value {
    fn from(value: &Value) -> v1::Value {
        use v1::value::Kind;
        v1::Value {
            kind: Some(match value {
                Value::Int(i) => Kind::Int(*i),
                Value::Float(x) => Kind::Float(*x),
                Value::Text(text) => Kind::Text(text.clone()),
            }),
        }
    }
}

impl TryFrom<v1::Value> for Value {
    type Error = Error;
    fn try_from(value: v1::Value) -> Result<Value> {
        use v1::value::Kind;
        match value.kind.ok_or(Error::Missing("a value"))? {
            Kind::Int(i) => Ok(Value::Int(i)),
            Kind::Float(x) if x.is_finite() => Ok(Value::Float(x)),
            Kind::Float(x) => {
                Err(Error::Value { what: "a value", value: x.to_string(), allowed: "finite numbers".to_owned() })
            }
            Kind::Text(text) => Ok(Value::Text(text)),
        }
    }
}

/// The coordinates of a cell for the wire.
pub fn values(coordinates: &BTreeMap<String, Value>) -> HashMap<String, v1::Value> {
    coordinates.iter().map(|(axis, value)| (axis.clone(), value.into())).collect()
}

/// The coordinates of a cell.
///
/// # Errors
/// A value that is none.
pub fn coordinates(values: HashMap<String, v1::Value>) -> Result<BTreeMap<String, Value>> {
    values.into_iter().map(|(axis, value)| Ok((axis, value.try_into()?))).collect()
}

impl From<&Trial> for v1::Trial {
    fn from(trial: &Trial) -> v1::Trial {
        v1::Trial {
            values: trial.given().map(|(axis, value, _)| (axis.to_owned(), value.into())).collect(),
            inputs: trial.inputs().clone().into_iter().collect(),
        }
    }
}

impl TryFrom<v1::Trial> for Trial {
    type Error = Error;
    fn try_from(trial: v1::Trial) -> Result<Trial> {
        let values = coordinates(trial.values)?;
        Trial::new(&values, &trial.inputs.into_iter().collect()).map_err(|error| Error::Trial(error.to_string()))
    }
}

/// The status of each wire status.
const STATUSES: [(v1::Status, Status); 4] = [
    (v1::Status::Converged, Status::Converged),
    (v1::Status::Budget, Status::Budget),
    (v1::Status::OutOfTime, Status::OutOfTime),
    (v1::Status::Diverged, Status::Diverged),
];

impl From<Status> for v1::Status {
    fn from(status: Status) -> v1::Status {
        STATUSES.iter().find(|(_, known)| *known == status).map(|(wire, _)| *wire).expect("STATUSES holds every status")
    }
}

/// The status of this number.
///
/// # Errors
/// [`Error::Value`].
pub fn status(value: i32) -> Result<Status> {
    let known = STATUSES.iter().find(|(wire, _)| *wire as i32 == value);
    known.map(|(_, status)| *status).ok_or_else(|| Error::Value {
        what: "the status",
        value: value.to_string(),
        allowed: "1..=4".to_owned(),
    })
}

impl From<&Point> for v1::Point {
    fn from(point: &Point) -> v1::Point {
        let (columns, values) = (0u32..).zip(&point.values).filter_map(|(i, value)| Some((i, (*value)?))).unzip();
        v1::Point {
            step: point.step,
            columns,
            values,
            singular_values: point.singular_values.clone(),
            layer_norms: point.layer_norms.clone(),
        }
    }
}

impl TryFrom<v1::Point> for Point {
    type Error = Error;
    fn try_from(wire: v1::Point) -> Result<Point> {
        if wire.columns.len() != wire.values.len() {
            let (value, allowed) = (wire.values.len().to_string(), wire.columns.len().to_string());
            return Err(Error::Value { what: "the number of a point's values", value, allowed });
        }
        let mut point = Point { step: wire.step, ..Point::empty() };
        for (column, value) in wire.columns.into_iter().zip(wire.values) {
            let slot = point.values.get_mut(column as usize).ok_or_else(|| Error::Value {
                what: "the column of a point",
                value: column.to_string(),
                allowed: format!("0..={}", COLUMNS.len() - 1),
            })?;
            if !value.is_finite() {
                let allowed = "finite numbers".to_owned();
                return Err(Error::Value { what: "a value of a point", value: value.to_string(), allowed });
            }
            *slot = Some(value);
        }
        (point.singular_values, point.layer_norms) = (wire.singular_values, wire.layer_norms);
        Ok(point)
    }
}

impl TryFrom<v1::Matrix> for Matrix {
    type Error = Error;
    fn try_from(wire: v1::Matrix) -> Result<Matrix> {
        let v1::Matrix { step, layer, rows, columns, values } = wire;
        let entries = u64::from(rows) * u64::from(columns);
        if values.len() as u64 != entries {
            let (value, allowed) = (values.len().to_string(), format!("{rows} × {columns} = {entries}"));
            return Err(Error::Value { what: "the number of a matrix's entries", value, allowed });
        }
        Ok(Matrix { step, layer, rows, columns, values })
    }
}

impl From<Outcome> for v1::Outcome {
    fn from(outcome: Outcome) -> v1::Outcome {
        let matrix = |m: Matrix| {
            let Matrix { step, layer, rows, columns, values } = m;
            v1::Matrix { step, layer, rows, columns, values }
        };
        v1::Outcome {
            status: v1::Status::from(outcome.status) as i32,
            inflated: outcome.inflated,
            steps: outcome.steps,
            measurements: outcome.measurements,
            last: Some((&outcome.last).into()),
            oracle: outcome.oracle.as_ref().map(Into::into),
            validated: outcome.validated.as_ref().map(Into::into),
            trajectory: outcome.trajectory.iter().map(Into::into).collect(),
            matrices: outcome.matrices.into_iter().map(matrix).collect(),
            fallbacks: outcome.fallbacks,
            unresolved_directions: outcome.unresolved_directions,
            wall_seconds: outcome.wall_seconds,
            cpu_seconds: outcome.cpu_seconds,
            recording_seconds: outcome.recording_seconds,
        }
    }
}

impl TryFrom<v1::Outcome> for Outcome {
    type Error = Error;
    fn try_from(wire: v1::Outcome) -> Result<Outcome> {
        Ok(Outcome {
            status: status(wire.status)?,
            inflated: wire.inflated,
            steps: wire.steps,
            measurements: wire.measurements,
            last: wire.last.ok_or(Error::Missing("the last point of an outcome"))?.try_into()?,
            oracle: wire.oracle.map(TryInto::try_into).transpose()?,
            validated: wire.validated.map(TryInto::try_into).transpose()?,
            trajectory: wire.trajectory.into_iter().map(TryInto::try_into).collect::<Result<_>>()?,
            matrices: wire.matrices.into_iter().map(TryInto::try_into).collect::<Result<_>>()?,
            fallbacks: wire.fallbacks,
            unresolved_directions: wire.unresolved_directions,
            wall_seconds: wire.wall_seconds,
            cpu_seconds: wire.cpu_seconds,
            recording_seconds: wire.recording_seconds,
        })
    }
}

impl From<&job::Provenance> for v1::Provenance {
    fn from(p: &job::Provenance) -> v1::Provenance {
        let job::Provenance {
            trainer_version,
            revision,
            git_commit,
            host,
            cpu,
            blas_library,
            blas_kernel,
            blas_threads,
            dtype,
        } = p.clone();
        v1::Provenance {
            trainer_version,
            revision,
            git_commit,
            host,
            cpu,
            blas_library,
            blas_kernel,
            blas_threads,
            dtype,
        }
    }
}

impl From<v1::Provenance> for job::Provenance {
    fn from(p: v1::Provenance) -> job::Provenance {
        let v1::Provenance {
            trainer_version,
            revision,
            git_commit,
            host,
            cpu,
            blas_library,
            blas_kernel,
            blas_threads,
            dtype,
        } = p;
        job::Provenance {
            trainer_version,
            revision,
            git_commit,
            host,
            cpu,
            blas_library,
            blas_kernel,
            blas_threads,
            dtype,
        }
    }
}

/// A lease for the wire; its checkpoint is fetched apart.
impl From<&job::Lease> for v1::Lease {
    fn from(lease: &job::Lease) -> v1::Lease {
        v1::Lease {
            key: Some(v1::LeaseKey { sweep: lease.sweep.clone(), cell: lease.cell, fence: lease.fence }),
            trial: Some((&lease.trial).into()),
            seconds_limit: lease.seconds_limit,
            // The first lease of a cell has nothing to go on from.
            has_checkpoint: lease.fence > 1,
        }
    }
}

/// A lease without its checkpoint.
impl TryFrom<v1::Lease> for job::Lease {
    type Error = Error;
    fn try_from(wire: v1::Lease) -> Result<job::Lease> {
        let v1::LeaseKey { sweep, cell, fence } = wire.key.ok_or(Error::Missing("the key of a lease"))?;
        Ok(job::Lease {
            sweep,
            cell,
            fence,
            trial: wire.trial.ok_or(Error::Missing("the trial of a lease"))?.try_into()?,
            seconds_limit: wire.seconds_limit,
            checkpoint: None,
        })
    }
}

/// A report for the wire under the worker's own number `id`. The checkpoint of what is handed back is saved apart.
pub fn report(id: u64, report: job::Report) -> v1::Report {
    use v1::report::Ending as Wire;
    let job::Report { sweep, cell, fence, ending } = report;
    let ending = match ending {
        Ending::Outcome(outcome) => Wire::Outcome((*outcome).into()),
        Ending::Failed(why) => Wire::Failed(why),
        Ending::Died(why) => Wire::Died(why),
        Ending::HandedBack(_) => Wire::HandedBack(v1::HandedBack {}),
    };
    v1::Report { id, lease: Some(v1::LeaseKey { sweep, cell, fence }), ending: Some(ending) }
}

impl TryFrom<v1::Report> for job::Report {
    type Error = Error;
    fn try_from(wire: v1::Report) -> Result<job::Report> {
        use v1::report::Ending as Wire;
        let v1::LeaseKey { sweep, cell, fence } = wire.lease.ok_or(Error::Missing("the lease of a report"))?;
        let ending = match wire.ending.ok_or(Error::Missing("the ending of a report"))? {
            Wire::Outcome(outcome) => Ending::Outcome(Box::new(outcome.try_into()?)),
            Wire::Failed(why) => Ending::Failed(why),
            Wire::Died(why) => Ending::Died(why),
            Wire::HandedBack(_) => Ending::HandedBack(Vec::new()),
        };
        Ok(job::Report { sweep, cell, fence, ending })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use prost::Message;
    use sweep_core::trial::Inputs;

    /// Every bit pattern that a finite number has, −0 and subnormal ones among them.
    fn finite() -> impl Strategy<Value = f64> {
        any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |x| x.is_finite())
    }

    fn point() -> impl Strategy<Value = Point> {
        let values = prop::collection::vec(prop::option::of(finite()), COLUMNS.len());
        let lists = prop::collection::vec(any::<u64>().prop_map(f64::from_bits), 0..4);
        (any::<u64>(), values, lists.clone(), lists).prop_map(|(step, values, singular_values, layer_norms)| Point {
            step,
            values,
            singular_values,
            layer_norms,
        })
    }

    fn matrix() -> impl Strategy<Value = Matrix> {
        (any::<u64>(), 0u32..9, 1u32..4, 1u32..4).prop_flat_map(|(step, layer, rows, columns)| {
            prop::collection::vec(finite(), (rows * columns) as usize).prop_map(move |values| Matrix {
                step,
                layer,
                rows,
                columns,
                values,
            })
        })
    }

    fn outcome() -> impl Strategy<Value = Outcome> {
        let ends = (point(), prop::option::of(point()), prop::option::of(point()));
        let lists = (prop::collection::vec(point(), 0..3), prop::collection::vec(matrix(), 0..3));
        let status = prop::sample::select(Status::ALL.map(|(status, _)| status).to_vec());
        (status, any::<bool>(), any::<[u64; 4]>(), ends, lists, prop::array::uniform3(finite())).prop_map(
            |(status, inflated, counts, (last, oracle, validated), (trajectory, matrices), seconds)| Outcome {
                status,
                inflated,
                steps: counts[0],
                measurements: counts[1],
                last,
                oracle,
                validated,
                trajectory,
                matrices,
                fallbacks: counts[2],
                unresolved_directions: counts[3],
                wall_seconds: seconds[0],
                cpu_seconds: seconds[1],
                recording_seconds: seconds[2],
            },
        )
    }

    /// Equal bit for bit: the debug form tells −0 from 0, and what is not a number is compared by its bits.
    fn bits(outcome: &Outcome) -> (String, Vec<u64>) {
        let ends = [Some(&outcome.last), outcome.oracle.as_ref(), outcome.validated.as_ref()];
        let points = ends.into_iter().flatten().chain(&outcome.trajectory);
        let lists = points.flat_map(|p| p.singular_values.iter().chain(&p.layer_norms)).map(|x| x.to_bits()).collect();
        (format!("{outcome:?}"), lists)
    }

    proptest! {
        #[test]
        fn an_outcome_comes_back_bit_for_bit(outcome in outcome()) {
            let bytes = v1::Outcome::from(outcome.clone()).encode_to_vec();
            let back = Outcome::try_from(v1::Outcome::decode(&bytes[..]).unwrap()).unwrap();
            prop_assert_eq!(bits(&back), bits(&outcome));
        }

        #[test]
        fn a_value_comes_back(value in prop_oneof![
            any::<i64>().prop_map(Value::Int), finite().prop_map(Value::Float), ".*".prop_map(Value::Text)
        ]) {
            let bytes = v1::Value::from(&value).encode_to_vec();
            let back = Value::try_from(v1::Value::decode(&bytes[..]).unwrap()).unwrap();
            prop_assert_eq!(format!("{back:?}"), format!("{value:?}"));
        }

        #[test]
        fn a_report_comes_back(sweep in "[0-9a-f]{12}", cell: u64, fence: i64, why: String, ending in 0..3) {
            let ending = || match ending {
                0 => Ending::Failed(why.clone()),
                1 => Ending::Died(why.clone()),
                _ => Ending::HandedBack(Vec::new()),
            };
            let sent = |ending| job::Report { sweep: sweep.clone(), cell, fence, ending };
            let bytes = report(7, sent(ending())).encode_to_vec();
            let back = job::Report::try_from(v1::Report::decode(&bytes[..]).unwrap()).unwrap();
            prop_assert_eq!(format!("{back:?}"), format!("{:?}", sent(ending())));
        }
    }

    #[test]
    fn a_trial_comes_back_with_its_digest() {
        let given = [
            ("optimizer", Value::from("adam")),
            ("n1", Value::Int(6)),
            ("n2", Value::Int(5)),
            ("rank", Value::Int(2)),
            ("samples", Value::Int(20)),
            ("lr", Value::Float(1e-3)),
            ("steps", Value::Int(10)),
        ];
        let given = given.into_iter().map(|(axis, value)| (axis.to_owned(), value)).collect();
        let inputs = Inputs::from([("a.csv".to_owned(), "00ff".to_owned())]);
        let trial = Trial::new(&given, &inputs).unwrap();
        let lease = job::Lease {
            sweep: "s".to_owned(),
            cell: 3,
            fence: 9,
            trial: trial.clone(),
            seconds_limit: Some(0.1),
            checkpoint: None,
        };
        let bytes = v1::Lease::from(&lease).encode_to_vec();
        let back = job::Lease::try_from(v1::Lease::decode(&bytes[..]).unwrap()).unwrap();
        assert_eq!((&back.trial, back.trial.digest()), (&trial, trial.digest()));
        assert_eq!((back.sweep, back.cell, back.fence, back.seconds_limit), ("s".to_owned(), 3, 9, Some(0.1)));
    }

    #[test]
    fn a_lease_without_a_time_limit_has_none() {
        assert_eq!(v1::Lease::decode(&v1::Lease::default().encode_to_vec()[..]).unwrap().seconds_limit, None);
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let point = |columns: Vec<u32>, values: Vec<f64>| v1::Point { columns, values, ..v1::Point::default() };
        let refused = |point: v1::Point| Point::try_from(point).unwrap_err().to_string();
        assert_eq!(refused(point(vec![0, 1], vec![1.0])), "the number of a point's values is 1; allowed: 2");
        assert!(refused(point(vec![99], vec![1.0])).contains("the column of a point is 99"));
        assert!(refused(point(vec![0], vec![f64::NAN])).contains("finite"));
        let matrix = v1::Matrix { rows: u32::MAX, columns: u32::MAX, ..v1::Matrix::default() };
        assert!(Matrix::try_from(matrix).unwrap_err().to_string().contains("entries is 0"));
        let missing = Outcome::try_from(v1::Outcome { status: 1, ..v1::Outcome::default() }).unwrap_err();
        assert_eq!(missing, Error::Missing("the last point of an outcome"));
        assert!(Outcome::try_from(v1::Outcome::default()).unwrap_err().to_string().contains("the status is 0"));
        assert!(Value::try_from(v1::Value { kind: None }).is_err());
        assert!(Trial::try_from(v1::Trial::default()).unwrap_err().to_string().starts_with("trial: "));
    }
}
