//! A cluster in one process: the real server on a port of this machine, over TLS with tokens, real workers that reach it
//! over the network, users who submit and ask.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use sweep_coordinator::clock::SystemClock;
use sweep_coordinator::dispatch::{self, Dispatcher};
use sweep_coordinator::service::{self, serve};
use sweep_coordinator::store::{Location, Role, Store};
use sweep_coordinator::tls;
use sweep_proto::client::{Address, Authorized};
use sweep_proto::v1;
use sweep_proto::v1::results_client::ResultsClient;
use sweep_proto::v1::sweeps_client::SweepsClient;
use sweep_tests::embedded::{How, assert_sound, rows, run};
use sweep_worker::remote::{Remote, Worker, unique_name};
use sweep_worker::{Settings, machine};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tonic::{Code, Status};

/// 16 training cells and 2 of the baseline; one of its problems is a file.
const SWEEP: &str = r#"
name = "cluster"
[[problem]]
name = "csv"
observed = "data/obs.csv"
truth = "data/gt.csv"
n1 = 6
n2 = 5
[[problem]]
n = 12
rank = 2
samples = 80
[train]
steps = 400
depth = [1, 2]
[init]
init_scale = 0.1
[[optimizer]]
name = "adam"
lr = [0.01, 0.03]
[[penalty]]
name = "none"
[[penalty]]
name = "ratio"
lambda = 0.01
[[baseline]]
name = "minimum_nuclear"
[record]
points = 8
"#;

/// u vᵀ with u = 1..6, v = 1..5, and two thirds of its entries.
fn files() -> BTreeMap<String, Vec<u8>> {
    let value = |i: usize, j: usize| ((i + 1) * (j + 1)) as f64 / 10.0;
    let truth: Vec<String> =
        (0..6).map(|i| (0..5).map(|j| value(i, j).to_string()).collect::<Vec<_>>().join(",")).collect();
    let entry = |k: usize| format!("{},{},{}", k / 5, k % 5, value(k / 5, k % 5));
    let observed: Vec<String> =
        std::iter::once("row,col,value".to_owned()).chain((0..30).filter(|k| k % 3 != 0).map(entry)).collect();
    BTreeMap::from([
        ("data/gt.csv".to_owned(), truth.join("\n").into_bytes()),
        ("data/obs.csv".to_owned(), observed.join("\n").into_bytes()),
    ])
}

/// A coordinator that runs, and what is needed to reach it.
struct Cluster {
    address: Address,
    tokens: BTreeMap<&'static str, String>,
    store: Store,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<Result<(), service::Error>>,
}

impl Cluster {
    async fn start(directory: &Path) -> Cluster {
        let store = Store::open(&Location::Sqlite(directory.join("sweep.db")), 0).await.unwrap();
        let mut tokens = BTreeMap::new();
        for (name, role) in [("admin", Role::Admin), ("worker", Role::Worker), ("viewer", Role::Viewer)] {
            tokens.insert(name, store.create_token(name, role, None, 0).await.unwrap());
        }
        tls::init(directory, &["localhost".to_owned()]).unwrap();
        let settings = service::Settings { tls: Some(tls::server(directory).unwrap()) };
        let dispatcher =
            Dispatcher::open_with(store.clone(), Arc::new(SystemClock), dispatch::Settings::cluster()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(serve(listener, Arc::new(dispatcher), settings, async {
            let _ = stopped.await;
        }));
        let ca = Some(std::fs::read_to_string(directory.join("ca.pem")).unwrap());
        Cluster { address: Address { url, token: None, ca, insecure: false }, tokens, store, stop, served }
    }

    fn address(&self, role: &str) -> Address {
        Address { token: self.tokens.get(role).cloned(), ..self.address.clone() }
    }

    async fn user(&self, role: &str) -> SweepsClient<Authorized> {
        SweepsClient::new(self.address(role).connect().await.unwrap())
    }

    /// A worker that works until `drain` turns true.
    fn work(&self, drain: &watch::Receiver<bool>) -> tokio::task::JoinHandle<()> {
        assert_eq!(sweep_core::train::blas::set_threads(1), 1);
        let provenance = machine::provenance("test");
        let worker = Worker { name: unique_name("node"), provenance, cores: 1, slots: 1 };
        let (link, drain) = (Remote::start(self.address("worker"), worker), drain.clone());
        tokio::spawn(async move { sweep_worker::run(link, Settings::default(), drain).await.unwrap() })
    }

    async fn end(self) {
        let _ = self.stop.send(());
        self.served.await.unwrap().unwrap();
        assert_sound(&self.store).await;
    }
}

fn upload(bytes: &[u8]) -> tokio_stream::Iter<std::vec::IntoIter<v1::Chunk>> {
    let header = Some(v1::Header { of: Some(v1::header::Of::Input(v1::InputHeader {})) });
    let chunk = |data: &[u8], header| v1::Chunk { data: data.to_vec().into(), header };
    let middle = bytes.len() / 2;
    tokio_stream::iter(vec![chunk(&bytes[..middle], header), chunk(&bytes[middle..], None)])
}

async fn submit(user: &mut SweepsClient<Authorized>) -> Result<String, Status> {
    let mut inputs = HashMap::new();
    for (path, bytes) in files() {
        inputs.insert(path, user.upload(upload(&bytes)).await?.into_inner().hash);
    }
    let request = v1::SubmitRequest { source: SWEEP.to_owned(), inputs, ..Default::default() };
    Ok(user.submit(request).await?.into_inner().id)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_over_the_network_give_the_bits_of_one_process() {
    let (alone, together) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = alone.path().join("sweep.db");
    run(&path, SWEEP, &files(), &How::default()).await;
    let expected = rows(&path, "SELECT * FROM result_values").await;
    assert_eq!(expected.len(), 18, "{:?}", rows(&path, "SELECT DISTINCT error FROM attempts").await);

    let cluster = Cluster::start(together.path()).await;
    let mut user = cluster.user("admin").await;
    let id = submit(&mut user).await.unwrap();
    assert_eq!(submit(&mut user).await.unwrap(), id, "the same meaning is the same sweep");
    let (drain, drained) = watch::channel(false);
    let workers = [cluster.work(&drained), cluster.work(&drained)];

    let mut watched = user.watch(v1::SweepRequest { sweep: id.clone() }).await.unwrap().into_inner();
    let mut last = None;
    while let Some(message) = tokio::time::timeout(Duration::from_secs(120), watched.message()).await.unwrap().unwrap()
    {
        if let Some(v1::watch_response::Says::Status(now)) = message.says {
            last = Some(now);
        }
    }
    let last = last.unwrap();
    assert_eq!((last.state.as_str(), last.cells, last.done, last.failed), ("finished", 18, 18, 0));

    drain.send_replace(true);
    for worker in workers {
        worker.await.unwrap();
    }
    cluster.end().await;
    let path = together.path().join("sweep.db");
    assert_eq!(rows(&path, "SELECT * FROM result_values").await, expected);
    // Both had a part in it, every cell was recorded once, and what the one gave back to the other counts as nothing.
    let recorded =
        "SELECT count(*), count(DISTINCT cell), count(DISTINCT worker_id) FROM attempts WHERE ending = 'recorded'";
    assert_eq!(rows(&path, recorded).await, ["Int(18),Int(18),Int(2)"]);
    let endings = rows(&path, "SELECT DISTINCT ending FROM attempts WHERE ending <> 'recorded'").await;
    assert!(endings.iter().all(|ending| ending == "Text(\"returned\")"), "{endings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_wants_a_token_of_the_right_role() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(directory.path()).await;
    for role in ["admin", "viewer", "worker", "nobody"] {
        let mut user = cluster.user(role).await;
        let sweep = || v1::SweepRequest { sweep: "none".to_owned() };
        let sql = v1::SqlRequest { query: "SELECT 1".to_owned(), rows: 1, seconds: 1.0 };
        let reads = [
            user.version(v1::VersionRequest {}).await.map(|_| ()),
            user.list(v1::ListRequest {}).await.map(|_| ()),
            user.status(sweep()).await.map(|_| ()),
            user.watch(sweep()).await.map(|_| ()),
            user.sql(sql).await.map(|_| ()),
            user.source(sweep()).await.map(|_| ()),
        ];
        let writes = [
            user.submit(v1::SubmitRequest { source: "name = 3".to_owned(), ..Default::default() }).await.map(|_| ()),
            user.upload(upload(b"0,0,1")).await.map(|_| ()),
            user.extend(v1::ExtendRequest { sweep: "none".to_owned(), ..Default::default() }).await.map(|_| ()),
        ];
        let codes = |answers: &[Result<(), Status>]| -> Vec<Code> {
            answers.iter().map(|answer| answer.as_ref().map_or_else(Status::code, |()| Code::Ok)).collect()
        };
        let (read, write) = match role {
            "admin" => (
                vec![Code::Ok, Code::Ok, Code::NotFound, Code::NotFound, Code::Ok, Code::NotFound],
                vec![Code::InvalidArgument, Code::Ok, Code::NotFound],
            ),
            "viewer" => (
                vec![Code::Ok, Code::Ok, Code::NotFound, Code::NotFound, Code::Ok, Code::NotFound],
                vec![Code::PermissionDenied; 3],
            ),
            "worker" => (vec![Code::PermissionDenied; 6], vec![Code::PermissionDenied; 3]),
            _ => (vec![Code::Unauthenticated; 6], vec![Code::Unauthenticated; 3]),
        };
        assert_eq!((codes(&reads), codes(&writes)), (read, write), "{role}");
    }
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_user_sends_is_checked_again() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(directory.path()).await;
    let mut user = cluster.user("admin").await;
    let mut refused = async |request: v1::SubmitRequest| {
        let status = user.submit(request).await.unwrap_err();
        (status.code(), status.message().to_owned())
    };
    let sweep = |source: &str| v1::SubmitRequest { source: source.to_owned(), ..Default::default() };

    let (code, text) = refused(sweep(&SWEEP.replace("depth = [1, 2]", "depth = [1, 9]"))).await;
    assert!(code == Code::InvalidArgument && text.contains("9 is outside 1..=8"), "{text}");
    let (code, text) = refused(v1::SubmitRequest { max_cells: 10, ..sweep(SWEEP) }).await;
    assert!(code == Code::InvalidArgument && text.contains("10"), "{text}");
    let (code, text) = refused(sweep(SWEEP)).await;
    assert!(code == Code::FailedPrecondition && text.contains("data/gt.csv"), "{text}");
    let inputs = files().into_keys().map(|path| (path, "0".repeat(64))).collect();
    let (code, text) = refused(v1::SubmitRequest { inputs, ..sweep(SWEEP) }).await;
    assert!(code == Code::FailedPrecondition && text.contains("was not uploaded"), "{text}");

    let mut ask = async |query: &str| {
        let request = v1::SqlRequest { query: query.to_owned(), rows: 10, seconds: 5.0 };
        user.sql(request).await.map(|_| ()).map_err(|status| status.code())
    };
    assert_eq!(ask("SELECT count(*) FROM results").await, Ok(()));
    assert_eq!(ask("DELETE FROM sweeps").await, Err(Code::InvalidArgument));
    assert_eq!(ask("SELECT 1; SELECT 2").await, Err(Code::InvalidArgument));
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_is_removed_while_it_runs_leaves_its_workers_to_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(directory.path()).await;
    let mut user = cluster.user("admin").await;
    let (drain, drained) = watch::channel(false);
    let worker = cluster.work(&drained);
    // Two cells that would take hours.
    let endless = r#"
name = "endless"
problem = { n = 60, rank = 2, samples = 900 }
train = { depth = 3, steps = 100_000_000 }
init = { init_scale = 0.1 }
[[optimizer]]
name = "adam"
lr = [1e-4, 1e-3]
[record]
points = 4
"#;
    let request = v1::SubmitRequest { source: endless.to_owned(), ..Default::default() };
    let id = user.submit(request).await.unwrap().into_inner().id;
    let sweep = || v1::SweepRequest { sweep: id.clone() };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while user.status(sweep()).await.unwrap().into_inner().running == 0 {
        assert!(tokio::time::Instant::now() < deadline, "nothing was ever leased");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut results = ResultsClient::new(cluster.address("admin").connect().await.unwrap());
    results.remove(sweep()).await.unwrap();
    assert_eq!(user.status(sweep()).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(results.remove(sweep()).await.unwrap_err().code(), Code::NotFound);

    // Its one slot is free again.
    let next = submit(&mut user).await.unwrap();
    let finished = async {
        let next = || v1::SweepRequest { sweep: next.clone() };
        while user.status(next()).await.unwrap().into_inner().state != "finished" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), finished).await.expect("the worker trains what is there");
    drain.send_replace(true);
    worker.await.unwrap();
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_wait_take_up_the_cells_of_an_extension() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(directory.path()).await;
    let mut user = cluster.user("admin").await;
    let id = submit(&mut user).await.unwrap();
    let (drain, drained) = watch::channel(false);
    let worker = cluster.work(&drained);
    let until_finished = async |user: &mut SweepsClient<Authorized>, cells: u64| {
        for _ in 0..600 {
            let now = user.status(v1::SweepRequest { sweep: id.clone() }).await.unwrap().into_inner();
            if now.state == "finished" && now.done == cells {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("never finished");
    };
    until_finished(&mut user, 18).await;

    // By the file as it is there; the data files that it names are there, too.
    let found = user.source(v1::SweepRequest { sweep: "cluster".to_owned() }).await.unwrap().into_inner();
    assert_eq!((found.source.as_str(), found.inputs.len()), (SWEEP, 2));
    let longer = sweep_core::sweep::lengthened(&found.source, &["optimizer.adam.lr=0.1"]).unwrap();
    let request = v1::ExtendRequest { sweep: id.clone(), source: longer.clone(), ..Default::default() };
    let dry = user.extend(v1::ExtendRequest { dry_run: true, ..request.clone() }).await.unwrap().into_inner();
    assert_eq!((dry.before, dry.cells), (18, 26));
    let extended = user.extend(request.clone()).await.unwrap().into_inner();
    assert_eq!((extended.before, extended.cells), (18, 26));
    until_finished(&mut user, 26).await;
    let again = user.extend(request).await.unwrap_err();
    assert!(again.code() == Code::InvalidArgument && again.message().contains("every cell"), "{again:?}");

    // Either file is this sweep.
    assert_eq!(submit(&mut user).await.unwrap(), id);
    let found = user.source(v1::SweepRequest { sweep: id.clone() }).await.unwrap().into_inner();
    assert_eq!(found.source, longer);
    drain.send_replace(true);
    worker.await.unwrap();
    cluster.end().await;
    let path = directory.path().join("sweep.db");
    let recorded = "SELECT count(*), count(DISTINCT cell), max(cell) FROM attempts WHERE ending = 'recorded'";
    assert_eq!(rows(&path, recorded).await, ["Int(26),Int(26),Int(25)"]);
}
