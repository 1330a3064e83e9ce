//! Every behaviour of the store, on both databases.

#[path = "../support/mod.rs"]
mod support;

/// Each behaviour becomes one test per database.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod sqlite { $(#[tokio::test] async fn $name() { super::$name(super::Scene::new(super::Kind::Sqlite).await).await; })* }
        mod postgres { $(#[tokio::test] async fn $name() { super::$name(super::Scene::new(super::Kind::Postgres).await).await; })* }
    };
}

mod keeping;
mod leases;
mod views;

use sweep_coordinator::store::{Datum, Limits, Store};

/// Rows of a query.
async fn rows(store: &Store, text: &str) -> Vec<Vec<Datum>> {
    store.query(text, &Limits::default()).await.unwrap_or_else(|e| panic!("{text}: {e}")).rows
}

async fn count(store: &Store, text: &str) -> i64 {
    match rows(store, text).await[..] {
        [ref row] => match row[..] {
            [Datum::Int(n)] => n,
            ref other => panic!("{text}: {other:?}"),
        },
        ref other => panic!("{text}: {other:?}"),
    }
}

fn text(value: &str) -> Datum {
    Datum::Text(value.to_owned())
}

fn close(value: &Datum, expected: f64) {
    let Datum::Float(x) = value else { panic!("{value:?} where {expected} is expected") };
    assert!((x - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{x} is not {expected}");
}
