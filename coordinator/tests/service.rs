//! The service from outside: who may call what, and what each call refuses.

mod support;

use prost::Message;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::clock::Hand;
use support::server::Server;
use support::{Kind, Scene};
use sweep_coordinator::store::Role;
use sweep_core::trial::REVISION;
use sweep_proto::{CHUNK, MAX_MESSAGE, PROTOCOL, v1};
use tonic::Code;

/// Two cells of no inputs.
const SWEEP: &str = r#"
name = "service"
[problem]
n = 8
rank = 1
samples = 40
[train]
steps = 20
depth = [1, 2]
[[optimizer]]
name = "gd"
lr = 0.1
"#;
const HOUR_MS: u64 = 3_600_000;

const ANYONE: &[Role] = &[];
const ADMIN: &[Role] = &[Role::Admin];
const READERS: &[Role] = &[Role::Admin, Role::Viewer];
const WORKER: &[Role] = &[Role::Worker];

/// A call, who may make it, what is said, and how it is answered then.
type Row = (&'static str, &'static [Role], Vec<Vec<u8>>, Code);

fn bytes(message: &impl Message) -> Vec<u8> {
    message.encode_to_vec()
}

fn chunk(of: Option<v1::header::Of>, data: &[u8]) -> Vec<u8> {
    bytes(&v1::Chunk { data: data.to_vec().into(), header: of.map(|of| v1::Header { of: Some(of) }) })
}

fn input() -> Option<v1::header::Of> {
    Some(v1::header::Of::Input(v1::InputHeader {}))
}

fn checkpoint(sweep: &str, cell: u64) -> Option<v1::header::Of> {
    Some(v1::header::Of::Checkpoint(v1::CheckpointHeader { sweep: sweep.to_owned(), cell, fence: 1, step: 1 }))
}

fn report(worker: &str) -> Option<v1::header::Of> {
    Some(v1::header::Of::Report(v1::ReportHeader { worker: worker.to_owned() }))
}

fn sweep(key: &str) -> Vec<u8> {
    bytes(&v1::SweepRequest { sweep: key.to_owned() })
}

fn sql(query: &str, seconds: f64) -> Vec<u8> {
    bytes(&v1::SqlRequest { query: query.to_owned(), rows: 10, seconds })
}

fn extend(source: &str) -> Vec<u8> {
    bytes(&v1::ExtendRequest { sweep: "service".to_owned(), source: source.to_owned(), ..Default::default() })
}

fn prioritise(priority: i64) -> Vec<u8> {
    bytes(&v1::PrioritiseRequest { sweep: "service".to_owned(), priority })
}

fn retry(sweep: &str, filter: &str) -> Vec<u8> {
    bytes(&v1::RetryRequest { sweep: sweep.to_owned(), filter: filter.to_owned() })
}

fn cells(filter: &str) -> Vec<u8> {
    bytes(&v1::CellsRequest { sweep: "service".to_owned(), filter: filter.to_owned(), most: 10 })
}

fn show(sweep: &str) -> Vec<u8> {
    bytes(&v1::ShowRequest { sweep: sweep.to_owned(), runs: 10 })
}

fn cell(cell: u64) -> Vec<u8> {
    bytes(&v1::CellRequest { sweep: "service".to_owned(), cell, matrices: true })
}

fn content(hash: &str) -> Vec<u8> {
    bytes(&v1::InputRequest { hash: hash.to_owned() })
}

fn export(form: v1::Form) -> Vec<u8> {
    bytes(&v1::ExportRequest { sweep: "service".to_owned(), form: form as i32 })
}

fn tag(tag: &str) -> Vec<u8> {
    bytes(&v1::TagRequest { sweep: "service".to_owned(), add: vec![tag.to_owned()], remove: Vec::new() })
}

fn key(cell: u64) -> Option<v1::LeaseKey> {
    Some(v1::LeaseKey { sweep: "none".to_owned(), cell, fence: 1 })
}

fn hello(change: impl FnOnce(&mut v1::Hello)) -> Vec<u8> {
    let provenance = v1::Provenance {
        trainer_version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: REVISION,
        blas_threads: 1,
        ..Default::default()
    };
    let mut hello = v1::Hello {
        worker: "w".to_owned(),
        protocol: PROTOCOL,
        provenance: Some(provenance),
        cores: 1,
        slots: 1,
        holds: Vec::new(),
    };
    change(&mut hello);
    says(v1::from_worker::Says::Hello(hello))
}

fn says(says: v1::from_worker::Says) -> Vec<u8> {
    bytes(&v1::FromWorker { says: Some(says) })
}

fn token(name: &str, role: v1::Role) -> Vec<u8> {
    bytes(&v1::CreateTokenRequest { name: name.to_owned(), role: role as i32, lives_seconds: Some(1) })
}

fn draw(key: &str, value: &str) -> Vec<u8> {
    let settings = vec![v1::Setting { key: key.to_owned(), value: value.to_owned() }];
    bytes(&v1::DrawRequest { sweep: "service".to_owned(), settings })
}

/// Every call there is. A call that is not here fails the test below.
fn calls() -> Vec<Row> {
    let submit = bytes(&v1::SubmitRequest { source: SWEEP.to_owned(), ..Default::default() });
    vec![
        ("sweep.v1.Sweeps/Version", READERS, vec![bytes(&v1::VersionRequest {})], Code::Ok),
        ("sweep.v1.Sweeps/Upload", ADMIN, vec![chunk(input(), b"0,0,1")], Code::Ok),
        ("sweep.v1.Sweeps/Submit", ADMIN, vec![submit], Code::Ok),
        ("sweep.v1.Sweeps/List", READERS, vec![bytes(&v1::ListRequest {})], Code::Ok),
        ("sweep.v1.Sweeps/Status", READERS, vec![sweep("service")], Code::Ok),
        ("sweep.v1.Sweeps/Watch", READERS, vec![sweep("service")], Code::Ok),
        ("sweep.v1.Sweeps/Sql", READERS, vec![sql("SELECT count(*) FROM results", 1.0)], Code::Ok),
        ("sweep.v1.Sweeps/Source", READERS, vec![sweep("service")], Code::Ok),
        // The same file adds no cell.
        ("sweep.v1.Sweeps/Extend", ADMIN, vec![extend(SWEEP)], Code::InvalidArgument),
        ("sweep.v1.Control/Pause", ADMIN, vec![sweep("service")], Code::Ok),
        ("sweep.v1.Control/Resume", ADMIN, vec![sweep("service")], Code::Ok),
        ("sweep.v1.Control/Prioritise", ADMIN, vec![prioritise(1000)], Code::Ok),
        ("sweep.v1.Control/Cancel", ADMIN, vec![sweep("service")], Code::Ok),
        ("sweep.v1.Control/Retry", ADMIN, vec![retry("service", "cell >= 0")], Code::Ok),
        ("sweep.v1.Control/Cells", READERS, vec![cells("state = done")], Code::Ok),
        ("sweep.v1.Results/Show", READERS, vec![show("service")], Code::Ok),
        ("sweep.v1.Results/Cell", READERS, vec![cell(1)], Code::Ok),
        ("sweep.v1.Results/Input", READERS, vec![content(&"0".repeat(64))], Code::NotFound),
        ("sweep.v1.Results/Export", READERS, vec![export(v1::Form::Csv)], Code::Ok),
        ("sweep.v1.Results/Draw", READERS, vec![draw("kind", "methods")], Code::Ok),
        ("sweep.v1.Results/Draw", READERS, vec![draw("kind", "heatmp")], Code::InvalidArgument),
        ("sweep.v1.Results/Report", READERS, vec![sweep("service")], Code::Ok),
        ("sweep.v1.Results/Tag", ADMIN, vec![tag("seen")], Code::Ok),
        ("sweep.v1.Results/Usage", READERS, vec![bytes(&v1::UsageRequest {})], Code::Ok),
        ("sweep.v1.Results/Gc", ADMIN, vec![bytes(&v1::GcRequest {})], Code::Ok),
        ("sweep.v1.Results/Remove", ADMIN, vec![sweep("service")], Code::Ok),
        ("sweep.v1.Upkeep/Check", READERS, vec![bytes(&v1::CheckRequest {})], Code::Ok),
        ("sweep.v1.Upkeep/Examine", READERS, vec![bytes(&v1::ExamineRequest {})], Code::Ok),
        ("sweep.v1.Access/CreateToken", ADMIN, vec![token("made", v1::Role::Viewer)], Code::Ok),
        ("sweep.v1.Access/ListTokens", ADMIN, vec![bytes(&v1::ListTokensRequest {})], Code::Ok),
        (
            "sweep.v1.Access/RevokeToken",
            ADMIN,
            vec![bytes(&v1::RevokeTokenRequest { name: "spare".to_owned() })],
            Code::Ok,
        ),
        ("sweep.v1.Access/Invite", ADMIN, vec![bytes(&v1::InviteRequest {})], Code::Ok),
        ("sweep.v1.Access/ListWorkers", READERS, vec![bytes(&v1::ListWorkersRequest {})], Code::Ok),
        ("sweep.v1.Workers/Work", WORKER, vec![hello(|_| ())], Code::Ok),
        ("sweep.v1.Workers/Content", WORKER, vec![bytes(&v1::ContentRequest { hash: "0".repeat(64) })], Code::NotFound),
        ("sweep.v1.Workers/SaveCheckpoint", WORKER, vec![chunk(checkpoint("none", 0), b"state")], Code::Ok),
        (
            "sweep.v1.Workers/LoadCheckpoint",
            WORKER,
            vec![bytes(&v1::LoadCheckpointRequest { lease: key(0) })],
            Code::Ok,
        ),
        ("sweep.v1.Workers/Deliver", WORKER, vec![chunk(report("nobody"), b"")], Code::Aborted),
        (
            "sweep.v1.Workers/Join",
            ANYONE,
            vec![bytes(&v1::JoinRequest { code: "0".repeat(32), name: "node".to_owned() })],
            Code::Unauthenticated,
        ),
    ]
}

/// A server with a token per role, and the same with tokens that were revoked or have expired.
async fn server() -> (Scene, Server, Hand) {
    let scene = Scene::new(Kind::Sqlite).await;
    let clock = Hand::at(HOUR_MS);
    let server = Server::start(scene.store.clone(), &clock).await;
    (scene, server, clock)
}

fn bearer(secret: &str) -> String {
    format!("Bearer {secret}")
}

async fn code(server: &Server, call: &str, authorization: Option<&str>, messages: Vec<Vec<u8>>) -> Code {
    server.call(call, authorization, messages).await.map_or_else(|status| status.code(), |_| Code::Ok)
}

#[test]
fn every_call_has_a_row() {
    let set = prost_types::FileDescriptorSet::decode(sweep_proto::DESCRIPTORS).unwrap();
    let described: BTreeSet<String> = set
        .file
        .iter()
        .flat_map(|file| file.service.iter().map(move |service| (file.package(), service)))
        .flat_map(|(package, service)| {
            service.method.iter().map(move |method| format!("{package}.{}/{}", service.name(), method.name()))
        })
        .collect();
    let listed: BTreeSet<String> = calls().iter().map(|(call, ..)| (*call).to_owned()).collect();
    assert_eq!(listed, described);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_is_for_its_roles_alone() {
    let (scene, server, clock) = server().await;
    let store = &scene.store;
    store.create_token("spare", Role::Viewer, None, 0).await.unwrap();
    let (mut good, mut bad) = (Vec::new(), vec![None, Some("Bearer ".to_owned()), Some(bearer(&"0f".repeat(32)))]);
    for (role, word) in Role::ALL {
        let secret = store.create_token(word, role, None, 0).await.unwrap();
        bad.push(Some(secret.clone()));
        bad.push(Some(format!("Basic {secret}")));
        good.push((role, bearer(&secret)));
        let revoked = store.create_token(&format!("{word} revoked"), role, None, 0).await.unwrap();
        assert!(store.revoke_token(&format!("{word} revoked"), 1).await.unwrap());
        let expired = store.create_token(&format!("{word} expired"), role, Some(2 * HOUR_MS as i64), 0).await.unwrap();
        assert_eq!(
            code(&server, "sweep.v1.Access/ListTokens", Some(&bearer(&expired)), vec![vec![]]).await,
            match role {
                Role::Admin => Code::Ok,
                Role::Viewer | Role::Worker => Code::PermissionDenied,
            }
        );
        bad.extend([Some(bearer(&revoked)), Some(bearer(&expired))]);
    }
    clock.forward(HOUR_MS);
    for (call, may, messages, answer) in calls() {
        for token in &bad {
            let needed = if may.is_empty() { answer } else { Code::Unauthenticated };
            let found = code(&server, call, token.as_deref(), messages.clone()).await;
            assert_eq!(found, needed, "{call} with {token:?}");
        }
        // Those who may not come first: nothing of what they ask happens.
        let mut roles = good.clone();
        roles.sort_by_key(|(role, _)| may.contains(role));
        for (role, token) in roles {
            let found = server.call(call, Some(&token), messages.clone()).await;
            let needed = if may.is_empty() || may.contains(&role) { answer } else { Code::PermissionDenied };
            let found =
                found.map_or_else(|status| (status.code(), status.message().to_owned()), |_| (Code::Ok, String::new()));
            assert_eq!(found.0, needed, "{call} as {role:?}: {}", found.1);
        }
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_good_once_and_its_token_is_a_workers() {
    let (scene, server, clock) = server().await;
    let admin = bearer(&scene.store.create_token("admin", Role::Admin, None, 0).await.unwrap());
    let invite = async || {
        let told = server.call("sweep.v1.Access/Invite", Some(&admin), vec![vec![]]).await.unwrap().unwrap();
        v1::InviteResponse::decode(&told[..]).unwrap().code
    };
    let join = async |code: &str| {
        let request = v1::JoinRequest { code: code.to_owned(), name: "\u{1b}[31m node/1 ".to_owned() };
        server.call("sweep.v1.Workers/Join", None, vec![bytes(&request)]).await
    };
    let (used, old) = (invite().await, invite().await);
    let token = v1::JoinResponse::decode(&join(&used).await.unwrap().unwrap()[..]).unwrap().token;
    let found = scene.store.token(&token).await.unwrap().unwrap();
    assert!(found.role == Role::Worker && found.name.starts_with("31mnode1-"), "{found:?}");
    assert_eq!(join(&used).await.unwrap_err().code(), Code::Unauthenticated);
    clock.forward(900_000);
    assert_eq!(join(&old).await.unwrap_err().code(), Code::Unauthenticated, "15 minutes later");
    server.end().await;
}

/// What is said, and how it is refused: the status, and words of it.
fn refused() -> Vec<(&'static str, Vec<Vec<u8>>, Code, &'static str)> {
    use Code::*;
    let submit = |change: &dyn Fn(&mut v1::SubmitRequest)| {
        let mut request = v1::SubmitRequest { source: SWEEP.to_owned(), ..Default::default() };
        change(&mut request);
        vec![bytes(&request)]
    };
    let file = SWEEP
        .replace("n = 8", "name = \"csv\"\nobserved = \"a.csv\"\nn1 = 8\nn2 = 8")
        .replace("rank = 1\nsamples = 40\n", "");
    let named = |hash: &str| {
        let (source, hash) = (file.clone(), hash.to_owned());
        submit(&move |r| (r.source, r.inputs) = (source.clone(), [("a.csv".to_owned(), hash.clone())].into()))
    };
    let work = |message: Vec<u8>| vec![message];
    let version =
        |change: &dyn Fn(&mut v1::Provenance)| work(hello(|h| change(h.provenance.as_mut().expect("it has one"))));
    let (large, long) = (vec![0u8; MAX_MESSAGE + 1], "x".repeat(1 << 20));
    let needed = concat!("this coordinator needs version ", env!("CARGO_PKG_VERSION"));
    let mut all = vec![
        ("Sweeps/Upload", vec![], InvalidArgument, "the first chunk says what an upload is"),
        ("Sweeps/Upload", vec![chunk(None, b"1"), chunk(None, b"2")], InvalidArgument, "the first chunk says"),
        ("Sweeps/Upload", vec![chunk(checkpoint("s", 0), b"1")], InvalidArgument, "not a data file"),
        (
            "Sweeps/Upload",
            vec![chunk(input(), b"1"), chunk(None, &large)],
            OutOfRange,
            "decoded message length too large",
        ),
        ("Sweeps/Upload", vec![chunk(input(), b"1"), vec![0xff; 40]], Internal, "decode"),
        (
            "Sweeps/Submit",
            submit(&|r| r.source = "name = 3".to_owned()),
            InvalidArgument,
            "the sweep file is not accepted",
        ),
        (
            "Sweeps/Submit",
            submit(&|r| r.source = "\u{0}\u{1b}".to_owned()),
            InvalidArgument,
            "the sweep file is not accepted",
        ),
        ("Sweeps/Submit", submit(&|r| r.source = String::new()), InvalidArgument, "the sweep file is not accepted"),
        ("Sweeps/Submit", submit(&|r| r.max_cells = 1), InvalidArgument, "1"),
        (
            "Sweeps/Submit",
            submit(&|r| r.tags = vec![String::new()]),
            InvalidArgument,
            "is not 1 to 100 printable characters",
        ),
        (
            "Sweeps/Submit",
            submit(&|r| r.tags = vec!["ä".repeat(201)]),
            InvalidArgument,
            "is not 1 to 100 printable characters",
        ),
        ("Sweeps/Submit", submit(&|r| r.source.clone_from(&file)), FailedPrecondition, "was given no content"),
        ("Sweeps/Submit", named(&"0".repeat(64)), FailedPrecondition, "was not uploaded"),
        ("Sweeps/Submit", named("'; DROP TABLE sweeps"), FailedPrecondition, "was not uploaded"),
        ("Sweeps/Submit", vec![vec![0xff; 40]], Internal, "decode"),
        ("Sweeps/Submit", vec![large.clone()], OutOfRange, "decoded message length too large"),
        ("Sweeps/Status", vec![sweep("none")], NotFound, "sweep \"none\" is not known"),
        ("Sweeps/Status", vec![sweep("")], NotFound, "is not known"),
        ("Sweeps/Status", vec![sweep(&long)], NotFound, "sweep \"xxx"),
        ("Sweeps/Source", vec![sweep("none")], NotFound, "is not known"),
        ("Sweeps/Extend", vec![extend(SWEEP)], NotFound, "is not known"),
        ("Control/Pause", vec![sweep("none")], NotFound, "is not known"),
        ("Control/Resume", vec![sweep(&long)], NotFound, "sweep \"xxx"),
        ("Control/Cancel", vec![sweep("")], NotFound, "is not known"),
        ("Control/Prioritise", vec![prioritise(0)], NotFound, "is not known"),
        ("Control/Retry", vec![retry("none", "cell = 1")], NotFound, "is not known"),
        ("Control/Retry", vec![retry("none", " ")], InvalidArgument, "a filter is needed"),
        ("Control/Retry", vec![retry("none", "cell = 1; DROP TABLE cells")], InvalidArgument, "character 9"),
        ("Control/Cells", vec![cells("lr = high")], InvalidArgument, "character 6"),
        ("Control/Cells", vec![cells(&"x".repeat(9_000))], InvalidArgument, "character 1: name"),
        ("Control/Cells", vec![cells(&long)], InvalidArgument, "10000 allowed"),
        ("Control/Cells", vec![cells("")], NotFound, "is not known"),
        ("Results/Show", vec![show("none")], NotFound, "is not known"),
        ("Results/Cell", vec![cell(0)], NotFound, "is not known"),
        ("Results/Input", vec![content("../etc")], NotFound, "is not in the database"),
        ("Results/Input", vec![content(&long)], NotFound, "the input with content xxx"),
        ("Results/Export", vec![export(v1::Form::Unspecified)], InvalidArgument, "a form is needed"),
        ("Results/Export", vec![export(v1::Form::Csv)], NotFound, "is not known"),
        ("Results/Tag", vec![tag("")], InvalidArgument, "is not 1 to 100 printable characters"),
        ("Results/Remove", vec![sweep("none")], NotFound, "is not known"),
        ("Sweeps/Watch", vec![sweep("none")], NotFound, "is not known"),
        ("Sweeps/Sql", vec![sql("DELETE FROM sweeps", 1.0)], InvalidArgument, "query refused"),
        ("Sweeps/Sql", vec![sql("SELECT 1; SELECT 2", 1.0)], InvalidArgument, "query refused"),
        ("Sweeps/Sql", vec![sql("SELECT nothing", 1.0)], InvalidArgument, "query: "),
        ("Sweeps/Sql", vec![sql("SELECT 1", 0.0)], InvalidArgument, "seconds: 0; allowed"),
        ("Sweeps/Sql", vec![sql("SELECT 1", -1.0)], InvalidArgument, "seconds: -1; allowed"),
        ("Sweeps/Sql", vec![sql("SELECT 1", f64::NAN)], InvalidArgument, "seconds: NaN; allowed"),
        ("Sweeps/Sql", vec![sql("SELECT 1", 1e300)], InvalidArgument, "more than 0, at most 600"),
        (
            "Sweeps/Sql",
            vec![sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n", 0.1)],
            DeadlineExceeded,
            "query stopped",
        ),
        ("Access/CreateToken", vec![token("x", v1::Role::Unspecified)], InvalidArgument, "a role is needed"),
        ("Access/CreateToken", vec![token("", v1::Role::Viewer)], InvalidArgument, "allowed: 1 to 100 bytes"),
        (
            "Access/CreateToken",
            vec![token(&"x".repeat(101), v1::Role::Viewer)],
            InvalidArgument,
            "allowed: 1 to 100 bytes",
        ),
        ("Access/CreateToken", vec![token("a\nb", v1::Role::Viewer)], InvalidArgument, "allowed: 1 to 100 bytes"),
        ("Access/CreateToken", vec![token("admin", v1::Role::Viewer)], AlreadyExists, "\"admin\" is taken"),
        (
            "Access/RevokeToken",
            vec![bytes(&v1::RevokeTokenRequest { name: "none".to_owned() })],
            NotFound,
            "there is no token \"none\"",
        ),
        (
            "Workers/Content",
            vec![bytes(&v1::ContentRequest { hash: "../etc".to_owned() })],
            NotFound,
            "is not in the database",
        ),
        ("Workers/SaveCheckpoint", vec![], InvalidArgument, "the first chunk says"),
        ("Workers/SaveCheckpoint", vec![chunk(input(), b"1")], InvalidArgument, "not a checkpoint"),
        ("Workers/LoadCheckpoint", vec![vec![]], InvalidArgument, "a lease is needed"),
        ("Workers/Deliver", vec![chunk(input(), b"1")], InvalidArgument, "not a report"),
        ("Workers/Deliver", vec![chunk(report("w"), &[0xff; 9])], InvalidArgument, "report: "),
        ("Workers/Join", vec![bytes(&v1::JoinRequest::default())], Unauthenticated, "the code is not known"),
        ("Workers/Work", vec![], InvalidArgument, "the first message of a worker is its hello"),
        ("Workers/Work", work(vec![]), InvalidArgument, "the first message of a worker is its hello"),
        (
            "Workers/Work",
            work(says(v1::from_worker::Says::Want(v1::Want { idle: 1 }))),
            InvalidArgument,
            "is its hello",
        ),
        ("Workers/Work", work(hello(|h| h.provenance = None)), InvalidArgument, "a hello needs a provenance"),
        ("Workers/Work", work(hello(|h| h.worker = String::new())), InvalidArgument, "1 to 200 bytes"),
        ("Workers/Work", work(hello(|h| h.worker = "x".repeat(201))), InvalidArgument, "1 to 200 bytes"),
        ("Workers/Work", work(hello(|h| h.worker = "a\u{7}".to_owned())), InvalidArgument, "no control characters"),
        ("Workers/Work", work(hello(|h| h.slots = 0)), InvalidArgument, "0 slots; allowed: 1..=4096"),
        ("Workers/Work", work(hello(|h| h.slots = 5_000)), InvalidArgument, "5000 slots; allowed: 1..=4096"),
        ("Workers/Work", work(hello(|h| h.protocol += 1)), FailedPrecondition, needed),
        ("Workers/Work", version(&|p| p.trainer_version = "0.0.9".to_owned()), FailedPrecondition, needed),
        ("Workers/Work", version(&|p| p.revision += 1), FailedPrecondition, needed),
        ("Workers/Work", work(vec![0xff; 40]), Internal, "decode"),
        ("Workers/Work", work(large.clone()), OutOfRange, "decoded message length too large"),
        // Words that repeat what was sent fit into a header.
        ("Sweeps/Watch", vec![sweep(&long)], NotFound, "sweep \"xxx"),
        ("Sweeps/Submit", submit(&|r| r.tags = vec![long.clone()]), InvalidArgument, "tag \"xxx"),
        (
            "Sweeps/Submit",
            submit(&|r| r.source = format!("{long} = 1")),
            InvalidArgument,
            "the sweep file is not accepted",
        ),
        ("Sweeps/Sql", vec![sql(&format!("SELECT {long}"), 1.0)], InvalidArgument, "query: "),
        (
            "Access/RevokeToken",
            vec![bytes(&v1::RevokeTokenRequest { name: long.clone() })],
            NotFound,
            "there is no token",
        ),
        ("Access/CreateToken", vec![token(&long, v1::Role::Viewer)], InvalidArgument, "the token name"),
        (
            "Workers/Content",
            vec![bytes(&v1::ContentRequest { hash: long.clone() })],
            NotFound,
            "the input with content",
        ),
        ("Workers/Deliver", vec![chunk(report(&long), b"")], Aborted, "worker xxx"),
        ("Workers/Work", work(hello(|h| (h.protocol, h.worker) = (0, long.clone()))), FailedPrecondition, needed),
        ("Workers/None", vec![vec![]], Unimplemented, ""),
    ];
    // A chunk may be as large as a message.
    all.push(("Sweeps/Upload", vec![chunk(None, &vec![1; CHUNK])], InvalidArgument, "the first chunk says"));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_malformed_is_refused_with_words_and_never_panics() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        before(info);
    }));
    let (scene, server, _) = server().await;
    let admin = bearer(&scene.store.create_token("admin", Role::Admin, None, 0).await.unwrap());
    let worker = bearer(&scene.store.create_token("worker", Role::Worker, None, 0).await.unwrap());
    for (call, messages, code, words) in refused() {
        let token = if call.starts_with("Workers/") { &worker } else { &admin };
        let sizes: Vec<usize> = messages.iter().map(Vec::len).collect();
        let answer = server.call(&format!("sweep.v1.{call}"), Some(token), messages).await;
        let status = answer.expect_err(&format!("{call} {sizes:?} {words}"));
        assert!(
            status.code() == code && status.message().contains(words),
            "{call} {sizes:?}: expected {code:?} \"{words}\", found {:?} \"{}\"",
            status.code(),
            status.message()
        );
    }
    // None of it has made anything.
    for table in ["sweeps", "cells", "attempts", "checkpoints", "workers WHERE id <> 'w'"] {
        let query = sql(&format!("SELECT count(*) FROM {table}"), 1.0);
        let told = server.call("sweep.v1.Sweeps/Sql", Some(&admin), vec![query]).await.unwrap().unwrap();
        let told = v1::SqlResponse::decode(&told[..]).unwrap();
        assert_eq!(told.rows[0].values[0].is, Some(v1::datum::Is::Int(0)), "{table}");
    }
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_talks_nonsense_is_answered_or_sent_away() {
    let (scene, server, _) = server().await;
    let worker = bearer(&scene.store.create_token("worker", Role::Worker, None, 0).await.unwrap());
    let holds = vec![v1::LeaseKey { sweep: "none".to_owned(), cell: u64::MAX, fence: i64::MAX }];
    let first = hello(|h| h.holds = holds.clone());
    let call = "sweep.v1.Workers/Work";
    let (say, mut told) = server.converse(call, Some(&worker), vec![first]).await.unwrap();
    let mut hear = async || v1::ToWorker::decode(&told.message().await.unwrap().unwrap()[..]).unwrap().says.unwrap();
    let v1::to_worker::Says::Welcome(welcome) = hear().await else { panic!("no welcome") };
    assert_eq!((welcome.kept, welcome.lost), (vec![], holds), "what it never had, it has not");

    // Reports: of no lease, of a cell that no grid has, of an outcome that is none.
    let report = |id, lease, ending| v1::Report { id, lease, ending };
    let failed = || Some(v1::report::Ending::Failed("x".to_owned()));
    let reports = vec![
        report(1, None, failed()),
        report(2, key(u64::MAX), failed()),
        report(3, key(0), Some(v1::report::Ending::Outcome(v1::Outcome::default()))),
        report(4, key(0), None),
    ];
    say.send(says(v1::from_worker::Says::Reports(v1::Reports { reports }))).await.unwrap();
    let v1::to_worker::Says::Acknowledged(told) = hear().await else { panic!("no answer") };
    let mut refused: Vec<u64> = told.refused.iter().map(|refused| refused.id).collect();
    refused.sort_unstable();
    assert_eq!((told.ids, refused), (vec![], vec![1, 2, 3, 4]));
    assert!(told.refused.iter().all(|refused| !refused.why.is_empty()));

    // A second hello ends the conversation.
    let (say, mut told) = server.converse(call, Some(&worker), vec![hello(|_| ())]).await.unwrap();
    told.message().await.unwrap().unwrap();
    say.send(hello(|_| ())).await.unwrap();
    assert!(!matches!(told.message().await, Ok(Some(_))));

    // A checkpoint of a lease that nobody has is not kept, whatever its size says.
    for chunks in [vec![chunk(checkpoint("none", u64::MAX), b"")], vec![chunk(checkpoint("none", 0), &[1; 9])]] {
        let kept = server.call("sweep.v1.Workers/SaveCheckpoint", Some(&worker), chunks).await.unwrap().unwrap();
        assert!(!v1::SaveCheckpointResponse::decode(&kept[..]).unwrap().kept);
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_token_is_revoked_is_drained_with_the_reason() {
    let (scene, server, _) = server().await;
    let worker = bearer(&scene.store.create_token("node", Role::Worker, None, 0).await.unwrap());
    let (say, mut told) = server.converse("sweep.v1.Workers/Work", Some(&worker), vec![hello(|_| ())]).await.unwrap();
    told.message().await.unwrap().unwrap();
    scene.store.revoke_token("node", 1).await.unwrap();
    say.send(says(v1::from_worker::Says::Heartbeat(v1::Heartbeat {}))).await.unwrap();
    let drain = v1::ToWorker::decode(&told.message().await.unwrap().unwrap()[..]).unwrap().says;
    let Some(v1::to_worker::Says::Drain(v1::Drain { reason })) = drain else { panic!("{drain:?}") };
    assert_eq!(reason, "its token \"node\" was revoked or has expired");
    server.end().await;
}
