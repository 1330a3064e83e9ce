//! The dashboard in a real browser: what a user clicks, sees and does not see.
//!
//! Every scene ends with [`in_order`]: nothing was loaded from elsewhere, every document said so beforehand, no script went
//! wrong, nothing that somebody wrote was run. `SWEEP_SHOTS=FOLDER` keeps pictures of the pages.

mod devtools;
mod scene;

use devtools::Browser;
use scene::{Scene, origin, request};
use std::time::{Duration, Instant};

/// How long a page may take to show what a running sweep has done.
const PATIENCE: Duration = Duration::from_secs(60);

/// 2 optimizers × 4 learning rates × 3 λ × 2 replicates; with STEPS in place of a number.
const GRID: &str = r#"
name = "clicked"
tags = ["note"]
[problem]
n = 30
rank = 2
samples = 300
[train]
steps = STEPS
depth = 2
init_scale = 0.1
[[optimizer]]
name = "gd"
lr = [0.1, 0.3, 1, 3]
[[optimizer]]
name = "adam"
lr = [1e-3, 3e-3, 1e-2, 3e-2]
[[penalty]]
name = "ratio"
lambda = [1e-3, 1e-2, 0.1]
[replicate]
count = 2
"#;
/// One cell.
const CELL: &str = r#"
name = "one"
[problem]
n = 30
rank = 2
samples = 300
[train]
steps = STEPS
depth = 2
[[optimizer]]
name = "gd"
lr = 0.1
"#;

/// Whether nothing was seen that must not be.
fn in_order(browser: &mut Browser, origin: &str) {
    // What was sent may still be on its way.
    browser.listen_for(Duration::from_millis(200));
    let seen = &browser.seen;
    assert_eq!(seen.complaints, [""; 0]);
    assert_eq!(seen.dialogs, [""; 0]);
    let own = |url: &&String| url.starts_with(&format!("{origin}/")) || url.starts_with("data:");
    let elsewhere: Vec<&String> = seen.requests.iter().filter(|url| !own(url)).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
    assert!(!seen.documents.is_empty());
    for (url, code, policy) in &seen.documents {
        let policy = policy.as_ref().unwrap_or_else(|| panic!("{url} ({code}) has no Content-Security-Policy"));
        assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{url}: {policy}");
        assert!(*code < 400, "{url}: {code}");
    }
}

#[test]
#[ignore = "needs Chromium: a step of .ci/run"]
fn what_must_not_be_is_seen() {
    let mut browser = Browser::start();
    browser.open(
        "data:text/html,<img src='http://127.0.0.1:9/x'><script>console.error('wrong');alert('run');missing()</script>",
    );
    browser.listen_for(Duration::from_millis(200));
    let seen = &browser.seen;
    assert_eq!(seen.dialogs, ["run"]);
    for told in ["console: ", "exception: ", "ERR_UNSAFE_PORT http://127.0.0.1:9/x"] {
        assert!(seen.complaints.iter().any(|complaint| complaint.contains(told)), "no {told:?}: {:?}", seen.complaints);
    }
    assert!(seen.requests.iter().any(|url| url == "http://127.0.0.1:9/x"), "{:?}", seen.requests);
    assert_eq!(seen.documents.len(), 1);
    assert_eq!(seen.documents[0].2, None);
}

/// The number before the slash in `12 / 48`.
fn done(browser: &mut Browser) -> u64 {
    let shown = browser.text("#progress dd");
    let (done, cells) = shown.split_once(" / ").unwrap_or_else(|| panic!("{shown:?} is no progress"));
    assert_eq!(cells, "48");
    done.parse().unwrap()
}

#[test]
#[ignore = "needs Chromium: a step of .ci/run"]
fn a_running_sweep_is_clicked_through_from_the_list_to_a_trajectory_and_grows_meanwhile() {
    let scene = Scene::new();
    scene.write("grid.toml", &GRID.replace("STEPS", "40_000"));
    let mut run = scene.start(&["run", "grid.toml", "--ui", "127.0.0.1:0", "--slots", "1"]);
    let address = run.dashboard();
    let mut browser = Browser::start();
    browser.open(&address);
    assert_eq!(browser.address(), format!("{}/", origin(&address)), "the key stays in the address");
    assert_eq!(browser.text("#sweeps a.name"), "clicked");
    assert_eq!(browser.text("#sweeps .tag"), "note");
    browser.wait("the list is live", PATIENCE, |browser| browser.text("#pulse") == "live");
    browser.shots("list");

    browser.follow("#sweeps a.name");
    assert!(browser.text("h1").contains("clicked"));
    browser.wait_for("#figure svg a.tile .data", PATIENCE);
    grows(&mut browser);
    browser.shots("running");

    // The tile leads to its two replicates, of which one is done at least.
    browser.follow("#figure a.tile:has(.data)");
    assert!(browser.address().contains("/cells?where=lr"), "{}", browser.address());
    browser.shots("cells");
    let rows = browser.texts(".panel tbody tr");
    let row = rows.iter().position(|row| row.contains("done")).unwrap_or_else(|| panic!("none is done: {rows:?}"));
    browser.follow(&format!(".panel tbody tr:nth-child({}) a", row + 1));
    assert!(browser.text("h2").contains("done"), "{}", browser.text("h2"));
    let titles = browser.texts(".panel h2");
    for picture in ["Errors", "Spectrum"] {
        assert!(titles.iter().any(|title| title == picture), "{titles:?}");
    }
    let lines = browser.attributes(".panel .figure svg path.median", "d");
    assert!(lines.len() > 10 && lines.iter().all(|line| line.matches('L').count() > 5), "{lines:?}");
    browser.shots("cell");

    in_order(&mut browser, &origin(&address));
    // Before the run: a page whose dashboard ends complains rightly.
    drop(browser);
    assert_eq!(run.interrupt(), Some(130));
}

/// Progress and picture grow in a page that stays.
fn grows(browser: &mut Browser) {
    browser.eval("window.mark = 'the same page'");
    let (cells, tiles, pages) = (done(browser), browser.count("#figure .tile .data"), browser.seen.documents.len());
    let gauge = browser.attributes("#progress .gauge-done", "width");
    browser.wait("more cells are done", PATIENCE, |browser| done(browser) > cells);
    browser.wait("more tiles have data", PATIENCE, |browser| browser.count("#figure .tile .data") > tiles);
    assert_ne!(browser.attributes("#progress .gauge-done", "width"), gauge);
    assert_eq!(browser.eval("window.mark"), "the same page");
    assert_eq!(browser.seen.documents.len(), pages, "{:?}", browser.seen.documents);
}

#[test]
#[ignore = "needs Chromium: a step of .ci/run"]
fn a_failed_cell_is_retried_by_a_form() {
    let scene = Scene::new();
    given_up(&scene);
    let mut ui = scene.serve();
    let address = ui.dashboard();
    let origin = origin(&address);
    let mut browser = Browser::start();
    browser.open(&address);
    browser.follow("a.failed");
    assert!(browser.address().ends_with("/failures"), "{}", browser.address());
    assert_eq!(browser.texts(".failure pre"), ["the process that was running it ended without a word"]);
    assert_eq!(browser.text(".failure p").trim(), "1 cell: 0");
    browser.shots("failures");

    let form = browser.attributes(".failure form", "action").remove(0);
    let word = browser.attributes(".failure input[name=word]", "value").remove(0);
    let cookie = browser.cookie(&origin);
    let post = |cookie: &str, word: &str, from: &str| {
        let body = format!("word={word}&deed=retry&filter=cell+%3D+0");
        let headers =
            format!("Cookie: {cookie}\r\nOrigin: {from}\r\nContent-Type: application/x-www-form-urlencoded\r\n");
        request(&origin, &format!("POST {form}"), &headers, &body)
    };
    let forged = [word.replace(|c: char| c.is_ascii_digit(), "x"), String::new()];
    for forged in &forged {
        let refused = post(&cookie, forged, &origin);
        assert_eq!(refused.code, 403, "{}", refused.body);
        assert!(refused.body.contains("was not sent from a page of this dashboard"), "{}", refused.body);
    }
    assert_eq!(post(&cookie, &word, "http://elsewhere.example").code, 403);
    let stranger = post("", &word, &origin);
    assert!(stranger.code == 303 && stranger.head.contains("location: /enter"), "{}", stranger.head);
    assert_eq!(scene.rows("SELECT state FROM cells"), ["quarantined"]);

    browser.follow(".failure button[value=retry]");
    assert!(browser.address().ends_with("/failures"), "{}", browser.address());
    assert_eq!(browser.text(".said"), "1 cell is run once more.");
    assert_eq!(browser.text(".empty"), "No cell failed.");
    assert_eq!(browser.count("a.failed"), 0);
    assert_eq!(scene.rows("SELECT state FROM cells"), ["ready"]);
    assert_eq!(scene.rows("SELECT state FROM sweeps"), ["running"]);
    browser.open(&format!("{origin}/"));
    assert_eq!(browser.count(".said"), 0, "it is said once");

    // And out again: the cookie is of no use any more.
    browser.follow("header form button");
    assert!(browser.address().ends_with("/enter"), "{}", browser.address());
    assert_eq!(post(&cookie, &word, &origin).code, 303);
    in_order(&mut browser, &origin);
    drop(browser);
    assert_eq!(ui.interrupt(), Some(0));
    scene.ok(&["fsck"]);
}

/// A sweep whose one cell was given up, because three processes died over it.
fn given_up(scene: &Scene) {
    scene.write("one.toml", &CELL.replace("STEPS", "50_000_000"));
    for attempt in 1..=3 {
        let run = scene.start(&["run", "one.toml", "--slots", "1"]);
        let end = Instant::now() + PATIENCE;
        let begun = "SELECT count(*) FROM attempts WHERE ended_at_ms IS NULL AND fence =";
        // At first there is no database to ask.
        while !scene.sweep(&["sql", &format!("{begun} {attempt}"), "--output", "csv"]).1.ends_with("\n1\n") {
            assert!(Instant::now() < end, "attempt {attempt} never began");
            std::thread::sleep(Duration::from_millis(20));
        }
        run.kill();
    }
    let (code, _, err) = scene.sweep(&["run", "one.toml"]);
    assert_eq!(code, Some(4), "{err}");
    assert_eq!(scene.rows("SELECT state FROM cells"), ["quarantined"]);
}

#[test]
#[ignore = "needs Chromium: a step of .ci/run"]
fn every_page_is_whole_without_scripts() {
    let scene = Scene::new();
    for name in ["clicked", "other"] {
        scene.write("grid.toml", &GRID.replace("STEPS", "60").replace("clicked", name));
        scene.ok(&["run", "grid.toml"]);
    }
    let id = |name: &str| scene.rows(&format!("SELECT id FROM sweeps WHERE name = '{name}'")).remove(0);
    let (id, other) = (id("clicked"), id("other"));
    let mut ui = scene.serve();
    let address = ui.dashboard();
    let origin = origin(&address);
    let mut browser = Browser::start();
    browser.set_scripts(false);
    browser.open(&address);
    for (name, path, heading, content) in [
        ("list", "/".to_owned(), "Sweeps", "#sweeps table a.name"),
        ("heatmap", format!("/sweeps/{id}"), "clicked", "#figure svg a.tile .data"),
        ("methods", format!("/sweeps/{id}?kind=methods"), "clicked", "#figure svg circle.dot"),
        ("best", format!("/sweeps/{id}/best"), "clicked", "#answer tbody td.n"),
        ("cells", format!("/sweeps/{id}/cells"), "clicked", ".panel tbody a"),
        ("cell", format!("/sweeps/{id}/cells/0"), "clicked", ".figure svg path.median"),
        ("failures", format!("/sweeps/{id}/failures"), "clicked", ".panel p.empty"),
        ("about", format!("/sweeps/{id}/about"), "clicked", ".panel pre.source"),
        ("workers", "/workers".to_owned(), "Workers", "#workers tbody td"),
        ("compare", format!("/compare?a={id}&b={other}"), "Compare two sweeps", ".columns .figure svg a.tile .data"),
    ] {
        browser.open(&format!("{origin}{path}"));
        drawn(&mut browser);
        assert!(browser.text("h1").contains(heading), "{path}: {}", browser.text("h1"));
        assert!(browser.count(content) > 0, "{path} has no {content}");
        assert_eq!(browser.count(".wrong"), 0, "{path}: {:?}", browser.texts(".wrong"));
        if path.starts_with("/sweeps") {
            assert_eq!(done(&mut browser), 48);
        }
        fits_a_phone(&mut browser);
        browser.shots(&format!("still-{name}"));
    }
    kinds(&mut browser, &format!("{origin}/sweeps/{id}"));
    asks(&mut browser, &format!("{origin}/sweeps/{id}"));
    let live: Vec<&String> = browser.seen.requests.iter().filter(|url| url.contains("live")).collect();
    assert!(live.is_empty(), "a script ran: {live:?}");
    in_order(&mut browser, &origin);
}

/// One need not scroll to the side.
fn fits_a_phone(browser: &mut Browser) {
    browser.set_viewport(390, 844);
    assert_eq!(browser.width(), 390.0, "{} is wider than a phone", browser.address());
    browser.set_viewport(1280, 900);
}

/// Loads a page until its picture is there: one that takes long on a busy machine comes with a later load.
fn drawn(browser: &mut Browser) {
    let end = Instant::now() + PATIENCE;
    while browser.count("#figure .empty[role=status]") > 0 {
        assert!(Instant::now() < end, "no picture: {}", browser.text("#figure"));
        let address = browser.address();
        browser.open(&address);
    }
}

/// Every kind of picture is a button away.
fn kinds(browser: &mut Browser, sweep: &str) {
    browser.open(sweep);
    let kinds = browser.attributes(".kinds button", "value");
    assert!(kinds.len() > 5 && kinds.iter().any(|kind| kind == "methods"), "{kinds:?}");
    for kind in kinds {
        browser.follow(&format!(".kinds button[value={kind}]"));
        assert_eq!(browser.address(), format!("{sweep}?kind={kind}"));
        assert_eq!(browser.attributes(".kinds button[aria-pressed=true]", "value"), [kind.as_str()]);
        drawn(browser);
        if kind == "init" {
            // This sweep has one init scale: the picture that is about it says so, and no other is drawn in its place.
            let said = browser.text("#figure");
            assert!(said.contains("does not vary \"init_scale\""), "{said}");
            continue;
        }
        if browser.count("#figure .wrong") > 0 {
            // What is said then helps.
            assert!(browser.text("#figure").contains("choose some by where"), "{}", browser.text("#figure"));
            browser.fill("input[name=where]", "replicate = 0");
            browser.follow("form.ask button.main");
            assert!(browser.address().contains(&format!("kind={kind}")), "{}", browser.address());
            drawn(browser);
        }
        assert_eq!(browser.count("#figure svg"), 1, "{kind}: {}", browser.text("#figure"));
    }
}

/// What is typed into a form is asked.
fn asks(browser: &mut Browser, sweep: &str) {
    browser.open(sweep);
    drawn(browser);
    assert_eq!(browser.count("#figure a.tile"), 24);
    browser.fill("input[name=where]", "optimizer = adam");
    browser.follow("form.ask button.main");
    drawn(browser);
    assert_eq!(browser.attributes("input[name=where]", "value"), ["optimizer = adam"]);
    assert_eq!(browser.count("#figure a.tile"), 12);
    browser.open(&format!("{sweep}/cells"));
    assert_eq!(browser.count(".panel tbody tr"), 48);
    browser.fill("input[name=where]", "lr >= 1 and replicate = 0");
    browser.follow("form.ask button.main");
    assert_eq!(browser.count(".panel tbody tr"), 6);
    browser.fill("input[name=where]", "lr >=");
    browser.follow("form.ask button.main");
    assert_eq!(browser.count(".wrong[role=alert]"), 1);
}

/// What HTML, a template or SQL might run.
const HOSTILE: &str =
    "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> {{1234*4321}} '; DROP TABLE sweeps; --";
/// What a spreadsheet might run.
const FORMULA: &str = "=HYPERLINK(\"http://elsewhere.example\")";
/// The names of the data files: without a slash.
const INSTANCES: [&str; 2] = ["\"'><img src=x onerror=alert(1)>{{1234*4321}}", "=1+1"];

/// A sweep whose texts are all hostile.
fn hostile_file(name: &str) -> String {
    // JSON's strings are TOML's.
    let text = |text: &str| serde_json::to_string(text).unwrap();
    let (name, description, tags) = (text(name), text(HOSTILE), [text(HOSTILE), text(FORMULA)].join(", "));
    let instances = INSTANCES.map(text).join(", ");
    format!(
        "name = {name}\ndescription = {description}\ntags = [{tags}]\n[problem]\nname = \"csv\"\ninstance = [{instances}]\n\
         [train]\nsteps = 60\ndepth = 2\n[[optimizer]]\nname = \"gd\"\nlr = [1, 10]\n"
    )
}

/// Two sweeps, with hostile texts wherever somebody may write one; their ids.
fn hostile_sweeps(scene: &Scene) -> [String; 2] {
    let instances = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/instances");
    for name in INSTANCES {
        for end in ["obs.csv", "gt.csv"] {
            let from = instances.join(format!("n50_r2_m500_s0.{end}"));
            std::fs::copy(from, scene.path(&format!("{name}.{end}"))).unwrap();
        }
    }
    for name in [HOSTILE, FORMULA] {
        scene.write("hostile.toml", &hostile_file(name));
        scene.ok(&["run", "hostile.toml"]);
    }
    // What a worker sends: its name, its machine, its error.
    scene.doctor(
        &[
            "UPDATE provenance SET host = ?1, cpu = ?1",
            "INSERT INTO workers SELECT ?1, provenance_id, cores, slots, first_seen_at_ms, last_seen_at_ms FROM workers LIMIT 1",
            "UPDATE attempts SET ending = 'failed', error = ?1, worker_id = ?1
             WHERE cell = 0 AND sweep_id = (SELECT id FROM sweeps WHERE name = ?1)",
            "UPDATE cells SET state = 'quarantined', outcome_id = NULL
             WHERE cell = 0 AND sweep_id = (SELECT id FROM sweeps WHERE name = ?1)",
        ],
        HOSTILE,
    );
    let ids = scene.rows("SELECT id FROM sweeps ORDER BY name LIKE '=%'");
    ids.try_into().unwrap()
}

#[test]
#[ignore = "needs Chromium: a step of .ci/run"]
fn hostile_names_are_text() {
    let scene = Scene::new();
    let [id, formula] = hostile_sweeps(&scene);
    let mut ui = scene.serve();
    let address = ui.dashboard();
    let origin = origin(&address);
    let mut browser = Browser::start();
    browser.open(&address);
    let asked = "%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%22'%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    let filter = "optimizer%20%3D%20%22%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%22";
    for (path, place, text) in [
        ("/".to_owned(), "#sweeps a.name", HOSTILE),
        ("/".to_owned(), "#sweeps .tag", HOSTILE),
        ("/".to_owned(), "#sweeps a.name", FORMULA),
        (format!("/sweeps/{id}"), "title", HOSTILE),
        (format!("/sweeps/{id}"), "h1", HOSTILE),
        (format!("/sweeps/{id}"), ".tag", FORMULA),
        (format!("/sweeps/{id}"), ".description", HOSTILE),
        (format!("/sweeps/{id}"), "#figure svg", HOSTILE),
        (format!("/sweeps/{id}?x=observed"), "#figure svg", INSTANCES[1]),
        (format!("/sweeps/{id}?kind=steps&by=observed"), "#figure svg", INSTANCES[0]),
        (format!("/sweeps/{id}?kind=methods"), "#figure svg", HOSTILE),
        (format!("/sweeps/{id}?kind={asked}"), "#figure .wrong", "<img src=x"),
        (format!("/sweeps/{id}?x={asked}"), "#figure .wrong", "<img src=x"),
        (format!("/sweeps/{id}?where={filter}"), "#figure .wrong", "<img src=x"),
        (format!("/sweeps/{id}?metric={asked}"), "#figure .wrong", "<img src=x"),
        (format!("/sweeps/{id}/best"), "h1", HOSTILE),
        (format!("/sweeps/{id}/cells"), ".panel tbody td", INSTANCES[0]),
        (format!("/sweeps/{id}/cells"), ".panel tbody td", HOSTILE),
        (format!("/sweeps/{id}/cells?where={filter}"), ".wrong", "<img src=x"),
        (format!("/sweeps/{id}/cells/0"), ".panel tbody td", HOSTILE),
        (format!("/sweeps/{id}/cells/0"), ".panel tbody td", INSTANCES[0]),
        (format!("/sweeps/{id}/cells/1"), ".panel tbody td", INSTANCES[1]),
        (format!("/sweeps/{id}/cells/1"), ".figure svg", HOSTILE),
        (format!("/sweeps/{id}/cells/1"), ".columns .panel td", HOSTILE),
        (format!("/sweeps/{id}/failures"), ".failure pre", HOSTILE),
        (format!("/sweeps/{id}/about"), "pre.source", "<img src=x"),
        (format!("/sweeps/{id}/about"), ".facts dt", INSTANCES[0]),
        ("/workers".to_owned(), "#workers td", HOSTILE),
        (format!("/compare?a={id}&b={formula}"), "option", HOSTILE),
        (format!("/compare?a={id}&b={formula}"), ".figure svg", FORMULA),
        (format!("/compare?a={id}&b={formula}&metric={asked}"), ".wrong", "<img src=x"),
    ] {
        browser.open(&format!("{origin}{path}"));
        drawn(&mut browser);
        let texts = browser.texts(place);
        assert!(texts.iter().any(|shown| shown.contains(text)), "{path} {place} has no {text}: {texts:?}");
        for run in ["img[src=x]", "[onerror]", "script:not([src='/assets/live.js'])", "a[href^='javascript:']"] {
            assert_eq!(browser.count(run), 0, "{path} has {run}");
        }
        assert!(!browser.text("body").contains("5332114"), "{path}: a template ran");
        fits_a_phone(&mut browser);
    }
    // What is sent to a page that is open is put into it by a script.
    browser.open(&format!("{origin}/"));
    browser.wait("the list is live", PATIENCE, |browser| browser.text("#pulse") == "live");
    browser.shots("hostile");
    files(&origin, &browser.cookie(&origin), [&id, &formula]);
    in_order(&mut browser, &origin);
    assert_eq!(scene.rows("SELECT count(*) FROM sweeps"), ["2"]);
}

/// No field of a table is a formula, and a report is as harmless as a page.
fn files(origin: &str, cookie: &str, ids: [&str; 2]) {
    let get = |path: String| {
        let answer = request(origin, &format!("GET {path}"), &format!("Cookie: {cookie}\r\n"), "");
        assert_eq!(answer.code, 200, "{path}: {}", answer.head);
        answer
    };
    for id in ids {
        for (file, told) in [("results.csv", "'=1+1.obs.csv"), ("figure.csv?x=observed&y=lr", "'=1+1")] {
            let table = get(format!("/sweeps/{id}/{file}"));
            assert!(table.head.contains("attachment; filename=\""), "{}", table.head);
            let mut fields = Vec::new();
            for row in csv::Reader::from_reader(table.body.as_bytes()).records() {
                fields.extend(row.unwrap().iter().map(str::to_owned));
            }
            let formula = fields.iter().find(|field| field.starts_with(['=', '+', '@', '\t', '\r']));
            assert_eq!(formula, None, "{file}");
            assert!(fields.iter().any(|field| field.starts_with(told)), "{file} has no {told}: {fields:?}");
        }
        let report = get(format!("/sweeps/{id}/report.html")).body;
        assert!(!report.contains("<img") && !report.contains("<script"), "the report would run something");
        assert!(report.contains("img src=x onerror=alert(1)") && report.contains("{{1234*4321}}"));
    }
}
