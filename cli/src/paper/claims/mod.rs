//! The claims, one file each.

mod acceleration;
mod adam;
mod deep;
mod depth_penalty;
mod discretisation;
mod dynamics;
mod frobenius;
mod head_to_head;
mod headline;
mod implicit;
mod noise;
mod normalised;
mod norms;
mod rates;
mod ratings;
mod regimes;
mod resemblance;

use super::Claim;

/// What a claim is written with.
mod prelude {
    pub use super::super::prediction::Expects::{Above, Below, More, NoLessOften, Oftener, Within};
    pub use super::super::prediction::Prediction;
    pub use super::super::runs::Quantity::{Initial, Last, Mean};
    pub use super::super::{Claim, FollowUp, Kind, Picture};
}

/// Every claim, by letter.
pub const CLAIMS: &[&Claim] = &[
    &implicit::CLAIM,
    &dynamics::CLAIM,
    &headline::CLAIM,
    &depth_penalty::CLAIM,
    &normalised::CLAIM,
    &adam::CLAIM,
    &regimes::CLAIM,
    &noise::CLAIM,
    &acceleration::CLAIM,
    &norms::CLAIM,
    &ratings::CLAIM,
    &frobenius::CLAIM,
    &deep::CLAIM,
    &resemblance::CLAIM,
    &discretisation::CLAIM,
    &rates::CLAIM,
    &head_to_head::CLAIM,
];
