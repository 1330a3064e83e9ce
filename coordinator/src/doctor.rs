//! What `sweep doctor` says of a coordinator, and of a database by itself.
//!
//! One rule: a finding that is not `Ok` says what to do. What holds for every machine, a worker's too, is in
//! `cli/src/verbs/doctor.rs`.

use crate::store::{Facts, Location, Role, Store, Token, Usage};
use crate::tls;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, and may not do so for long or not as fast as it could.
    Warning,
    /// It does not work, or loses data.
    Problem,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub subject: String,
    /// How bad it is.
    pub state: State,
    /// What was found.
    pub what: String,
    /// What to do; empty where nothing is to be done.
    pub remedy: String,
}

impl Finding {
    /// All is well.
    pub fn ok(subject: &str, what: impl Into<String>) -> Finding {
        Finding { subject: subject.to_owned(), state: State::Ok, what: what.into(), remedy: String::new() }
    }

    /// It may not go well for long.
    pub fn warning(subject: &str, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
        let (subject, what, remedy) = (subject.to_owned(), what.into(), remedy.into());
        Finding { subject, state: State::Warning, what, remedy }
    }

    /// It does not go well.
    pub fn problem(subject: &str, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { state: State::Problem, ..Finding::warning(subject, what, remedy) }
    }
}

/// Less free space than this ends a sweep soon.
const LITTLE_SPACE: u64 = 1 << 30;
/// Certificates and tokens that end within this many days are to be renewed.
const SOON_DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;
const GIB: f64 = (1u64 << 30) as f64;

/// The database: version, durability, space, file system, checkpoints.
///
/// # Errors
/// What the database says.
pub async fn database(store: &Store) -> crate::store::Result<Vec<Finding>> {
    let (facts, usage) = (store.facts().await?, store.usage().await?);
    let mut findings = vec![durability(&facts)];
    if let Location::Sqlite(path) = store.location() {
        findings.extend(place(&facts, &path.display().to_string()));
    }
    findings.push(checkpoints(&usage));
    Ok(findings)
}

fn durability(facts: &Facts) -> Finding {
    let settings: Vec<String> = facts.settings.iter().map(|(name, value, _)| format!("{name}={value}")).collect();
    let what = format!("{}, {}", facts.engine, settings.join(", "));
    let weak: Vec<String> = facts
        .settings
        .iter()
        .filter(|(_, value, needed)| value != needed)
        .map(|(name, value, needed)| format!("{name} is {value}, and must be {needed}"))
        .collect();
    match weak.is_empty() {
        true => Finding::ok("database", what),
        false => Finding::problem("database", what, format!("what was acknowledged may be lost: {}", weak.join("; "))),
    }
}

/// The disk that a file lies on.
fn place(facts: &Facts, path: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(kind) = &facts.file_system {
        let what = format!("{kind} at {path}");
        findings.push(match &kind[..] {
            _ if facts.over_network => Finding::problem(
                "file system",
                what,
                "SQLite can lose data there: use a local directory, or postgres://…",
            ),
            "tmpfs" | "ramfs" => {
                Finding::warning("file system", what, "it is gone when the machine restarts: use a disk")
            }
            "overlay" => Finding::warning("file system", what, "it is gone with the container: use a volume"),
            _ => Finding::ok("file system", what),
        });
    }
    if let Some(free) = facts.free_bytes {
        let what = format!("{:.1} GiB free at {path}", free as f64 / GIB);
        findings.push(match free {
            0..LITTLE_SPACE => Finding::warning("disk", what, "a full disk ends every sweep: make room, `sweep gc`"),
            _ => Finding::ok("disk", what),
        });
    }
    findings
}

fn checkpoints(usage: &Usage) -> Finding {
    let (used, quota) = (usage.checkpoint_bytes as f64 / GIB, usage.checkpoint_quota as f64 / GIB);
    let what = format!("{} checkpoints, {used:.2} of {quota:.2} GiB", usage.checkpoints);
    if used > 0.9 * quota {
        let remedy = "those that have no room are not kept: sweep coordinator --checkpoint-gib";
        Finding::warning("checkpoints", what, remedy)
    } else {
        Finding::ok("checkpoints", what)
    }
}

/// The certificate that is shown, first of this chain.
pub fn certificate(chain: Option<&str>, now_ms: i64) -> Finding {
    let Some(chain) = chain else {
        return Finding::warning(
            "certificate",
            "plain text: tokens can be read on the way",
            "sweep tls init, then --tls-dir",
        );
    };
    let shown = match tls::shown(chain) {
        Ok(shown) => shown,
        Err(error) => return Finding::problem("certificate", error.to_string(), "sweep tls init"),
    };
    let days = (shown.ends_at_ms - now_ms).div_euclid(DAY_MS);
    let what = format!("good for {days} days, for {}", shown.names.join(", "));
    let remedy = "sweep tls init makes another of the same CA; then restart the coordinator";
    match days {
        ..0 => Finding::problem("certificate", format!("ended {} days ago", -days), remedy),
        0..SOON_DAYS => Finding::warning("certificate", what, remedy),
        _ => Finding::ok("certificate", what),
    }
}

/// The token of the one who asks.
pub fn token(token: &Token, now_ms: i64) -> Finding {
    let what = format!("\"{}\", {}", token.name, token.role.word());
    match token.expires_at_ms.map(|end| (end - now_ms).div_euclid(DAY_MS)) {
        None => Finding::ok("token", format!("{what}, never expires")),
        Some(days) if days < SOON_DAYS => {
            let remedy = format!("sweep token create NAME --role {}", token.role.word());
            Finding::warning("token", format!("{what}, expires in {days} days"), remedy)
        }
        Some(days) => Finding::ok("token", format!("{what}, expires in {days} days")),
    }
}

/// Whether an admin can come in for some time yet.
pub fn admins(tokens: &[Token], now_ms: i64) -> Finding {
    let lasting = |token: &&Token| token.role == Role::Admin && token.holds(now_ms + SOON_DAYS * DAY_MS);
    let remedy = "sweep token create NAME --role admin";
    match tokens.iter().filter(lasting).count() {
        0 => Finding::warning("admins", format!("no admin's token lasts {SOON_DAYS} days"), remedy),
        n => Finding::ok("admins", format!("{n} tokens")),
    }
}

/// Who trains.
pub fn workers(connected: usize, slots: u32, away: usize) -> Finding {
    let what = format!("{connected} connected with {slots} slots, {away} away that hold cells");
    match connected {
        0 => Finding::warning("workers", what, "nothing is trained: sweep workers invite"),
        _ => Finding::ok("workers", what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn facts() -> Facts {
        Facts {
            engine: "SQLite 3".to_owned(),
            settings: vec![("synchronous", "2".to_owned(), "2")],
            directory: None,
            file_system: Some("ext4".to_owned()),
            over_network: false,
            free_bytes: Some(5 << 30),
        }
    }

    fn states(findings: &[Finding]) -> Vec<State> {
        findings.iter().map(|finding| finding.state).collect()
    }

    #[test]
    fn a_place_that_forgets_or_is_shared_or_full_is_said() {
        use State::{Ok, Problem, Warning};
        let at = |kind: &str, over_network, free| {
            let facts = Facts { file_system: Some(kind.to_owned()), over_network, free_bytes: Some(free), ..facts() };
            states(&place(&facts, "x.db"))
        };
        assert_eq!(at("ext4", false, 5 << 30), [Ok, Ok]);
        assert_eq!(at("tmpfs", false, 5 << 30), [Warning, Ok]);
        assert_eq!(at("overlay", false, 5 << 30), [Warning, Ok]);
        assert_eq!(at("nfs4", true, 5 << 30), [Problem, Ok]);
        assert_eq!(at("xfs", false, (1 << 30) - 1), [Ok, Warning]);
    }

    #[test]
    fn what_may_lose_what_was_acknowledged_is_a_problem() {
        assert_eq!(durability(&facts()).state, State::Ok);
        let weak = durability(&Facts { settings: vec![("synchronous", "1".to_owned(), "2")], ..facts() });
        assert_eq!(weak.state, State::Problem);
        assert!(weak.remedy.contains("synchronous is 1, and must be 2"), "{weak:?}");
    }

    #[test]
    fn checkpoints_near_their_quota_are_said() {
        let usage = |checkpoint_bytes| Usage { checkpoint_bytes, checkpoint_quota: 100, ..Usage::default() };
        assert_eq!((checkpoints(&usage(90)).state, checkpoints(&usage(91)).state), (State::Ok, State::Warning));
    }

    #[test]
    fn a_certificate_is_read_and_its_end_foreseen() {
        let directory = tempfile::tempdir().unwrap();
        tls::init(directory.path(), &["localhost".to_owned(), "10.0.0.7".to_owned()]).unwrap();
        let (chain, _) = tls::server(directory.path()).unwrap();
        let ends = tls::shown(&chain).unwrap().ends_at_ms;
        let found = certificate(Some(&chain), ends - 800 * DAY_MS);
        assert_eq!(found, Finding::ok("certificate", "good for 800 days, for localhost, 10.0.0.7"));
        assert_eq!(certificate(Some(&chain), ends - 29 * DAY_MS).state, State::Warning);
        assert_eq!(certificate(Some(&chain), ends + 1).state, State::Problem);
        assert_eq!(certificate(Some("nothing"), NOW).state, State::Problem);
        assert_eq!(certificate(None, NOW).state, State::Warning);
    }

    #[test]
    fn a_token_that_ends_soon_is_said() {
        let of = |expires_at_ms, role| Token {
            name: "ada".to_owned(),
            role,
            created_at_ms: 0,
            expires_at_ms,
            revoked_at_ms: None,
        };
        assert_eq!(token(&of(None, Role::Viewer), NOW).what, "\"ada\", viewer, never expires");
        assert_eq!(token(&of(Some(NOW + 31 * DAY_MS), Role::Viewer), NOW).state, State::Ok);
        assert_eq!(token(&of(Some(NOW + 29 * DAY_MS), Role::Viewer), NOW).state, State::Warning);
        assert_eq!(admins(&[of(None, Role::Viewer), of(Some(NOW + DAY_MS), Role::Admin)], NOW).state, State::Warning);
        assert_eq!(admins(&[of(None, Role::Admin)], NOW).state, State::Ok);
        assert_eq!((workers(0, 0, 2).state, workers(1, 4, 0).state), (State::Warning, State::Ok));
    }
}
