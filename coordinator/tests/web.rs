//! The dashboard over plain HTTP: who gets in, what every answer carries, that nothing written is run, that what changes is
//! sent. A real browser clicks through it in cli/tests/browser.

mod support;

use std::sync::Arc;
use std::time::Duration;
use support::{Kind, Scene, cell, outcome, replicate};
use sweep_coordinator::clock::SystemClock;
use sweep_coordinator::dispatch::{Dispatcher, Settings};
use sweep_coordinator::store::{NewSweep, Role, Store};
use sweep_coordinator::web::{self, Entry};
use sweep_core::trial::Inputs;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

const FILE: &str = "name = \"seen\"\n[problem]\nn = 8\nrank = 1\nsamples = [20, 30]\n[train]\nsteps = 5\n[[optimizer]]\nname = \"gd\"\nlr = [0.1, 1.0]\n[replicate]\ncount = 2\n";
/// Everything that HTML, SQL, a template or a spreadsheet might run.
const HOSTILE: &str =
    "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> {{7*7}} =cmd|' /C calc'!A0; DROP TABLE sweeps; --";

struct Site {
    scene: Scene,
    address: String,
    stop: Option<oneshot::Sender<()>>,
    tokens: [String; 3],
}

struct Answer {
    code: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }
}

async fn submit(store: &Store, name: &str, source: &str) -> String {
    let inputs = Inputs::new();
    let new = NewSweep { name, description: HOSTILE, source, digest: name, cells: 8, inputs: &inputs, fresh: false };
    store.submit(&new, 10).await.unwrap()
}

impl Site {
    async fn new(entry: Entry) -> Site {
        let scene = Scene::new(Kind::Sqlite).await;
        let mut tokens = Vec::new();
        for role in [Role::Admin, Role::Viewer, Role::Worker] {
            tokens.push(scene.store.create_token(role.word(), role, None, 0).await.unwrap());
        }
        let dispatcher =
            Dispatcher::open_with(scene.store.clone(), Arc::new(SystemClock), Settings::cluster()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let settings = web::Settings { tls: None, entry, option: String::new() };
        tokio::spawn(web::serve(listener, Arc::new(dispatcher), settings, async {
            let _ = stopped.await;
        }));
        Site { scene, address, stop: Some(stop), tokens: tokens.try_into().unwrap() }
    }

    async fn raw(&self, text: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        Answer { code, head: head.to_owned(), body: body.to_owned() }
    }

    async fn get(&self, path: &str, cookie: &str) -> Answer {
        let host = &self.address;
        self.raw(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n")).await
    }

    async fn post(&self, path: &str, cookie: &str, form: &str, more: &str) -> Answer {
        let host = &self.address;
        self.raw(&format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\n{more}Content-Length: \
             {}\r\nConnection: close\r\n\r\n{form}",
            form.len()
        ))
        .await
    }

    /// The cookie that a token gives.
    async fn enter(&self, token: &str) -> String {
        let answer = self.post("/enter", "", &format!("token={token}"), "").await;
        assert_eq!((answer.code, answer.header("location")), (303, Some("/")), "{}", answer.head);
        let cookie = answer.header("set-cookie").unwrap();
        for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        cookie.split(';').next().unwrap().to_owned()
    }

    /// The word that the forms of this session carry.
    async fn word(&self, cookie: &str) -> String {
        let page = self.get("/", cookie).await.body;
        let (_, rest) = page.split_once("name=\"word\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

/// Every page of a sweep.
fn pages(id: &str) -> Vec<String> {
    let mut pages: Vec<String> = ["/", "/workers", "/compare"].map(str::to_owned).to_vec();
    for rest in [
        "",
        "/best",
        "/cells",
        "/cells?where=lr%20%3D%201",
        "/cells/0",
        "/cells/7",
        "/failures",
        "/about",
        "?kind=methods",
        "?kind=steps",
        "?x=lr&y=samples",
        "?kind=nothing",
        "?where=lr%20%3E",
    ] {
        pages.push(format!("/sweeps/{id}{rest}"));
    }
    pages.push(format!("/compare?a={id}&b={id}"));
    pages
}

#[tokio::test]
async fn nobody_sees_anything_without_a_token() {
    let site = Site::new(Entry::Tokens).await;
    let id = submit(&site.scene.store, "seen", FILE).await;
    let mut all = pages(&id);
    let rest = ["/live", "/workers/live", "/nowhere"].map(str::to_owned);
    all.extend(rest);
    all.extend(
        ["figure.svg", "figure.png", "figure.csv", "results.csv", "report.html", "live"]
            .map(|f| format!("/sweeps/{id}/{f}")),
    );
    for page in all {
        let forged = format!("sweep-{}={}", site.address.rsplit(':').next().unwrap(), "0".repeat(64));
        for cookie in ["", &forged] {
            let answer = site.get(&page, cookie).await;
            assert_eq!((answer.code, answer.header("location")), (303, Some("/enter")), "{page}");
            assert!(!answer.body.contains("seen"));
        }
    }
    for token in ["", "x", &"0".repeat(64), &site.tokens[2]] {
        let answer = site.post("/enter", "", &format!("token={token}"), "").await;
        assert_eq!((answer.code, answer.header("set-cookie")), (401, None), "{token}");
    }
}

#[tokio::test]
async fn every_page_answers_and_loads_nothing_from_elsewhere() {
    let site = Site::new(Entry::Tokens).await;
    let id = submit(&site.scene.store, "seen", FILE).await;
    for r in 0..2 {
        site.scene.done(&id, cell(r, &replicate(r as i64)), &outcome(0.1, 0.1)).await;
    }
    let cookie = site.enter(&site.tokens[1]).await;
    for page in pages(&id) {
        let answer = site.get(&page, &cookie).await;
        assert_eq!(answer.code, 200, "{page}: {}", answer.body);
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        // One script, ours; nothing inline that the policy would have to allow.
        assert_eq!(answer.body.matches("<script").count(), 1, "{page}");
        let lower = answer.body.to_lowercase();
        for bad in [" style=", " onclick=", " onload=", "javascript:", "<style", "<iframe"] {
            assert!(!lower.contains(bad), "{page}: {bad}");
        }
        for part in lower.split(['"', '\'']).filter(|part| part.contains("://")) {
            assert!(part.contains("www.w3.org/2000/svg"), "{page}: {part}");
        }
    }
    for (page, code) in [
        ("/sweeps/none", 404),
        (&format!("/sweeps/{id}/cells/8"), 404),
        ("/nowhere", 404),
        (&format!("/sweeps/{id}/figure.svg?kind=x"), 400),
    ] {
        assert_eq!(site.get(page, &cookie).await.code, code, "{page}");
    }
    let figure = site.get(&format!("/sweeps/{id}/figure.svg?x=lr&y=samples"), &cookie).await;
    assert_eq!((figure.code, figure.header("content-type")), (200, Some("image/svg+xml")));
    assert!(
        site.get(&format!("/sweeps/{id}/figure.csv"), &cookie).await.body.starts_with("samples,lr,"),
        "the numbers"
    );
    let report = site.get(&format!("/sweeps/{id}/report.html"), &cookie).await;
    assert!(report.body.contains("default-src 'none'") && !report.body.contains("<script"), "{}", report.body);
    let script = site.get("/assets/live.js", "").await;
    assert_eq!((script.code, script.header("content-type")), (200, Some("text/javascript; charset=utf-8")));
}

#[tokio::test]
async fn what_somebody_wrote_is_text() {
    let site = Site::new(Entry::Tokens).await;
    let id = submit(&site.scene.store, HOSTILE, FILE).await;
    site.scene.store.tag(&id, "a<b>c", true).await.unwrap();
    site.scene.done(&id, cell(0, &replicate(0)), &outcome(0.1, 0.1)).await;
    let cookie = site.enter(&site.tokens[0]).await;
    for page in pages(&id)
        .into_iter()
        .chain([format!("/sweeps/{id}/report.html"), format!("/sweeps/{id}/figure.svg?kind=methods")])
    {
        let body = site.get(&page, &cookie).await.body;
        for bad in ["<script>alert", "<img src=x", "<b>c"] {
            assert!(!body.contains(bad), "{page}: {bad}");
        }
    }
    assert!(site.get("/", &cookie).await.body.contains("{{7*7}}"));
    for hostile in ["where=%3Cscript%3Ealert(1)%3C/script%3E", "kind=%3Cimg%20src=x%3E", "x=%22%3E%3Cimg%20src=x%3E"] {
        let body = site.get(&format!("/sweeps/{id}?{hostile}"), &cookie).await.body;
        assert!(!body.contains("<script>alert") && !body.contains("<img src=x"), "{hostile}");
    }
    assert_eq!(site.scene.store.sweeps().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_form_that_changes_something_needs_an_admin_and_the_word_of_the_session() {
    let site = Site::new(Entry::Tokens).await;
    let id = submit(&site.scene.store, "seen", FILE).await;
    let path = format!("/sweeps/{id}/do");
    let state = async || site.scene.store.find_sweep(&id).await.unwrap().state.word();
    let (admin, viewer) = (site.enter(&site.tokens[0]).await, site.enter(&site.tokens[1]).await);
    let (word, of_viewer) = (site.word(&admin).await, site.word(&viewer).await);
    let refused = [
        (viewer.as_str(), format!("word={of_viewer}&deed=cancel"), String::new()),
        (&admin, "deed=cancel&word=".to_owned(), String::new()),
        (&admin, format!("deed=cancel&word={of_viewer}"), String::new()),
        (&admin, format!("deed=cancel&word={word}"), "Origin: http://evil.example\r\n".to_owned()),
        (&admin, format!("deed=cancel&word={word}"), "Sec-Fetch-Site: cross-site\r\n".to_owned()),
    ];
    for (cookie, form, more) in refused {
        assert_eq!(site.post(&path, cookie, &form, &more).await.code, 403, "{form} {more}");
        assert_eq!(state().await, "running");
    }
    let ours = format!("Origin: http://{}\r\nSec-Fetch-Site: same-origin\r\n", site.address);
    assert_eq!(site.post(&path, &admin, &format!("deed=explode&word={word}"), &ours).await.code, 400);
    assert_eq!(site.post(&path, &admin, &format!("deed=retry&filter=&word={word}"), &ours).await.code, 400);
    let answer = site.post(&path, &admin, &format!("deed=cancel&word={word}"), &ours).await;
    assert_eq!((answer.code, state().await), (303, "cancelled"));
    // It is said once.
    assert!(site.get(&format!("/sweeps/{id}"), &admin).await.body.contains("It is cancelled"));
    assert!(!site.get(&format!("/sweeps/{id}"), &admin).await.body.contains("It is cancelled"));
}

#[tokio::test]
async fn a_session_ends_with_its_token_or_by_leaving() {
    let site = Site::new(Entry::Tokens).await;
    let (admin, viewer) = (site.enter(&site.tokens[0]).await, site.enter(&site.tokens[1]).await);
    assert_eq!(site.get("/", &viewer).await.code, 200);
    site.scene.store.revoke_token("viewer", 1).await.unwrap();
    assert_eq!(site.get("/", &viewer).await.code, 303);
    let word = site.word(&admin).await;
    assert_eq!(site.post("/leave", &admin, "word=x", "").await.code, 403);
    let left = site.post("/leave", &admin, &format!("word={word}"), "").await;
    assert!(left.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(site.get("/", &admin).await.code, 303);
}

#[tokio::test]
async fn the_key_of_the_printed_address_lets_in() {
    let site = Site::new(Entry::Key { key: "k3y".to_owned(), admin: false }).await;
    assert_eq!(site.get("/enter?key=other", "").await.code, 401);
    assert_eq!(site.post("/enter", "", &format!("token={}", site.tokens[0]), "").await.code, 401);
    let answer = site.get("/enter?key=k3y", "").await;
    assert_eq!(answer.code, 303);
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let page = site.get("/", &cookie).await;
    assert!(page.code == 200 && page.body.contains("(viewer)"), "{}", page.body);
}

#[tokio::test]
async fn what_changes_is_sent_to_the_page() {
    let site = Site::new(Entry::Tokens).await;
    let id = submit(&site.scene.store, "seen", FILE).await;
    let cookie = site.enter(&site.tokens[1]).await;
    let mut stream = TcpStream::connect(&site.address).await.unwrap();
    let asked =
        format!("GET /sweeps/{id}/live?x=lr&y=samples HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\n\r\n", site.address);
    stream.write_all(asked.as_bytes()).await.unwrap();
    let mut told = String::new();
    let mut wait = async |what: &str| {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        while !told.contains(what) {
            let mut bytes = vec![0; 65_536];
            let read = tokio::time::timeout_at(deadline, stream.read(&mut bytes)).await;
            let read = read.unwrap_or_else(|_| panic!("{what} is not in\n{told}")).unwrap();
            assert!(read > 0, "{told}");
            told.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
        told.clear();
    };
    wait("0 of 2 done").await;
    site.scene.done(&id, cell(0, &replicate(0)), &outcome(0.125, 0.1)).await;
    wait("median 0.125").await;
}

#[tokio::test]
async fn a_client_that_does_not_behave_is_sent_away() {
    let site = Site::new(Entry::Tokens).await;
    let many: String = (0..200).map(|i| format!("X-{i}: y\r\n")).collect();
    let answer = site.raw(&format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n")).await;
    assert!(answer.code == 431 || answer.code == 400, "{}", answer.head);
    let large = format!("token={}", "x".repeat(100_000));
    assert_eq!(site.post("/enter", "", &large, "").await.code, 413);
    // Others are served while one says nothing.
    let _silent = TcpStream::connect(&site.address).await.unwrap();
    assert_eq!(site.get("/enter", "").await.code, 200);
}
