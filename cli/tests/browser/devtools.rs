//! A real browser, driven over the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/).
//!
//! Chromium reads commands on descriptor 3 and writes answers and events on 4: JSON, a zero byte after each message. One page
//! is shown. What is asked of it goes through its DOM, not through scripts, so that it works where scripts are off; clicks are
//! those of a mouse.

use serde_json::{Value as Json, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long the browser may take for an answer, and a page to be there.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at a page.
const LOOK: Duration = Duration::from_millis(50);
/// Where a browser is on Debian, for those who have Google's, and on a Mac.
const PROGRAMS: [&str; 3] =
    ["/usr/bin/chromium", "/usr/bin/google-chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"];
/// A profile of its own, nothing of the browser's own on the network, and no sandbox: as root there is none.
const FLAGS: [&str; 11] = [
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
];

/// What happened in the page since it was opened.
#[derive(Debug, Default)]
pub struct Seen {
    /// Every address that was asked for.
    pub requests: Vec<String>,
    /// Every document that came, redirects too: its address, its code, its Content-Security-Policy.
    pub documents: Vec<(String, u64, Option<String>)>,
    /// Errors and warnings of the console, exceptions, what the browser itself calls an error.
    pub complaints: Vec<String>,
    /// What dialogs said.
    pub dialogs: Vec<String>,
}

/// A browser with one page.
pub struct Browser {
    process: Child,
    folder: tempfile::TempDir,
    commands: Option<ChildStdin>,
    messages: Receiver<Json>,
    asked: u64,
    session: Option<String>,
    /// The document that is shown or on its way, and whether it is all there.
    document: String,
    loaded: bool,
    /// How often another document was asked for.
    departures: usize,
    pub seen: Seen,
}

impl Browser {
    /// Starts a browser with an empty page.
    pub fn start() -> Browser {
        let program = PROGRAMS.iter().find(|program| Path::new(program).exists());
        let program = program.unwrap_or_else(|| panic!("there is no Chromium ({PROGRAMS:?}): bin/setup --browser"));
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        // The browser wants 3 and 4, and has nothing to do with this test's own descriptors.
        command.args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null", program]).args(FLAGS);
        command.arg(format!("--user-data-dir={}", folder.path().join("profile").display())).arg("about:blank");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.stderr(File::create(folder.path().join("log")).unwrap()).spawn().unwrap();
        let (commands, messages) = (process.stdin.take(), listen(process.stdout.take().unwrap()));
        let mut browser = Browser {
            process,
            folder,
            commands,
            messages,
            asked: 0,
            session: None,
            document: String::new(),
            loaded: false,
            departures: 0,
            seen: Seen::default(),
        };
        browser.attach();
        browser
    }

    fn attach(&mut self) {
        let target = self.ask("Target.createTarget", json!({ "url": "about:blank" }))["targetId"].clone();
        let attached = self.ask("Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        self.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for part in ["Page", "DOM", "Network", "Runtime", "Log"] {
            self.ask(&format!("{part}.enable"), json!({}));
        }
        self.ask("Page.setLifecycleEventsEnabled", json!({ "enabled": true }));
        self.set_viewport(1280, 900);
    }

    // Messages.

    /// Asks for something and hears what happens until it is answered.
    fn ask(&mut self, method: &str, params: Json) -> Json {
        self.try_ask(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn try_ask(&mut self, method: &str, params: Json) -> Result<Json, String> {
        let id = self.tell(method, params);
        let end = Instant::now() + PATIENCE;
        loop {
            let message = self.next(end).unwrap_or_else(|| panic!("{method}: no answer; {}", self.log()));
            if message["id"] == id {
                return if message["error"].is_null() {
                    Ok(message["result"].clone())
                } else {
                    Err(message["error"]["message"].to_string())
                };
            }
            self.note(&message);
        }
    }

    /// Asks for something whose answer is of no interest; its number.
    fn tell(&mut self, method: &str, params: Json) -> u64 {
        self.asked += 1;
        let mut message = json!({ "id": self.asked, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let bytes = format!("{message}\0");
        let sent = self.commands.as_mut().unwrap().write_all(bytes.as_bytes());
        sent.unwrap_or_else(|error| panic!("{method}: {error}; {}", self.log()));
        self.asked
    }

    fn next(&mut self, end: Instant) -> Option<Json> {
        self.messages.recv_timeout(end.saturating_duration_since(Instant::now())).ok()
    }

    /// Hears for a while what happens.
    pub fn listen_for(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while let Some(message) = self.next(end) {
            self.note(&message);
        }
    }

    /// Takes down an event.
    fn note(&mut self, message: &Json) {
        let params = &message["params"];
        let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match message["method"].as_str().unwrap_or("") {
            "Network.requestWillBeSent" => {
                self.seen.requests.push(text(&params["request"]["url"]));
                if params["type"] == "Document" {
                    self.departures += 1;
                    self.seen.documents.extend(params.get("redirectResponse").map(document));
                }
            }
            "Network.responseReceived" if params["type"] == "Document" => {
                self.seen.documents.push(document(&params["response"]));
            }
            "Runtime.consoleAPICalled" if params["type"] == "error" || params["type"] == "warning" => {
                self.seen.complaints.push(format!("console: {}", params["args"]));
            }
            "Runtime.exceptionThrown" => {
                self.seen.complaints.push(format!("exception: {}", params["exceptionDetails"]));
            }
            "Log.entryAdded" if params["entry"]["level"] == "error" => {
                let entry = &params["entry"];
                self.seen.complaints.push(format!("log: {} {}", text(&entry["text"]), text(&entry["url"])));
            }
            "Page.javascriptDialogOpening" => {
                self.seen.dialogs.push(text(&params["message"]));
                // Without an answer the page would stand still.
                self.tell("Page.handleJavaScriptDialog", json!({ "accept": true }));
            }
            "Page.frameNavigated" if params["frame"]["parentId"].is_null() => {
                (self.document, self.loaded) = (text(&params["frame"]["loaderId"]), false);
            }
            "Page.lifecycleEvent" if params["name"] == "load" && params["loaderId"] == self.document.as_str() => {
                self.loaded = true;
            }
            _ => {}
        }
    }

    /// Hears what happens until `done`; false if it is not in time.
    fn until(&mut self, patience: Duration, done: impl Fn(&Browser) -> bool) -> bool {
        let end = Instant::now() + patience;
        while !done(self) {
            match self.next(end) {
                Some(message) => self.note(&message),
                None => return done(self),
            }
        }
        true
    }

    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(5).collect();
        format!("the end of its log: {last:#?}")
    }

    // Where one goes.

    /// Opens an address and waits until everything of it is there.
    pub fn open(&mut self, url: &str) {
        let asked = self.ask("Page.navigate", json!({ "url": url }));
        assert!(asked["errorText"].is_null(), "{url}: {}", asked["errorText"]);
        let document = asked["loaderId"].as_str().unwrap_or_else(|| panic!("{url} is the same document")).to_owned();
        let there = self.until(PATIENCE, |browser| browser.document == document && browser.loaded);
        assert!(there, "{url} is not there after {PATIENCE:?}");
    }

    /// Clicks on what leads elsewhere, and waits until that is there.
    pub fn follow(&mut self, selector: &str) {
        let from = self.document.clone();
        for _ in 0..5 {
            let before = self.departures;
            self.click(selector);
            // What is live may have been put anew between the button's way down and up, and that is no click.
            if self.until(Duration::from_secs(3), |browser| browser.departures > before) {
                let there = self.until(PATIENCE, |browser| browser.document != from && browser.loaded);
                assert!(there, "{selector} leads nowhere: {}", self.address());
                return;
            }
        }
        panic!("{selector} leads nowhere: {}", self.address());
    }

    /// The address that is shown.
    pub fn address(&mut self) -> String {
        let history = self.ask("Page.getNavigationHistory", json!({}));
        let current = history["currentIndex"].as_u64().unwrap() as usize;
        history["entries"][current]["url"].as_str().unwrap().to_owned()
    }

    // What is there.

    /// The elements that a selector finds now.
    fn nodes(&mut self, selector: &str) -> Vec<u64> {
        let root = self.ask("DOM.getDocument", json!({ "depth": 0 }))["root"]["nodeId"].clone();
        let found = self.try_ask("DOM.querySelectorAll", json!({ "nodeId": root, "selector": selector }));
        // A document that went away meanwhile has none; a selector of no use is a mistake of the test.
        match found {
            Ok(found) => found["nodeIds"].as_array().unwrap().iter().filter_map(Json::as_u64).collect(),
            Err(error) if error.contains("Could not find node") => Vec::new(),
            Err(error) => panic!("{selector}: {error}"),
        }
    }

    /// How many elements a selector finds.
    pub fn count(&mut self, selector: &str) -> usize {
        self.nodes(selector).len()
    }

    /// The elements that a selector finds, with all that is in them.
    fn described(&mut self, selector: &str) -> Vec<Json> {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            let whole = |browser: &mut Browser, node: u64| {
                let node = browser.try_ask("DOM.describeNode", json!({ "nodeId": node, "depth": -1 }));
                node.ok().map(|node| node["node"].clone())
            };
            let nodes = self.nodes(selector);
            // What is live may go away between two questions: then all is asked again.
            if let Some(found) = nodes.into_iter().map(|node| whole(self, node)).collect() {
                return found;
            }
            assert!(Instant::now() < end, "{selector} never stays at {}", self.address());
        }
    }

    /// The texts of the elements that a selector finds.
    pub fn texts(&mut self, selector: &str) -> Vec<String> {
        self.described(selector).iter().map(written).collect()
    }

    /// The text of the first element that a selector finds, which must be there.
    pub fn text(&mut self, selector: &str) -> String {
        let found = self.texts(selector).into_iter().next();
        found.unwrap_or_else(|| panic!("{} has no {selector}", self.address()))
    }

    /// The values of an attribute, of the elements that have it.
    pub fn attributes(&mut self, selector: &str, name: &str) -> Vec<String> {
        self.described(selector).iter().filter_map(|node| attribute(node, name)).collect()
    }

    /// Waits until a selector finds something.
    pub fn wait_for(&mut self, selector: &str, patience: Duration) {
        self.wait(selector, patience, |browser| browser.count(selector) > 0);
    }

    /// Waits until something is so.
    pub fn wait(&mut self, what: &str, patience: Duration, mut is: impl FnMut(&mut Browser) -> bool) {
        let end = Instant::now() + patience;
        while !is(self) {
            assert!(Instant::now() < end, "{what}: not after {patience:?} at {}", self.address());
            self.listen_for(LOOK);
        }
    }

    /// What a script says that is run in the page.
    pub fn eval(&mut self, script: &str) -> Json {
        let asked = self.ask("Runtime.evaluate", json!({ "expression": script, "returnByValue": true }));
        assert!(asked["exceptionDetails"].is_null(), "{script}: {asked}");
        asked["result"]["value"].clone()
    }

    /// The cookies for an address, as a request sends them.
    pub fn cookie(&mut self, url: &str) -> String {
        let found = self.ask("Network.getCookies", json!({ "urls": [url] }));
        let pair = |cookie: &Json| Some(format!("{}={}", cookie["name"].as_str()?, cookie["value"].as_str()?));
        let pairs: Vec<String> = found["cookies"].as_array().unwrap().iter().filter_map(pair).collect();
        pairs.join("; ")
    }

    // What one does.

    /// Clicks with the mouse in the middle of the first element that a selector finds.
    pub fn click(&mut self, selector: &str) {
        let end = Instant::now() + Duration::from_secs(10);
        let (x, y) = loop {
            match self.middle(selector) {
                Ok(middle) => break middle,
                Err(why) => assert!(Instant::now() < end, "{selector} cannot be clicked at {}: {why}", self.address()),
            }
            self.listen_for(LOOK);
        };
        let mut mouse = |kind: &str, button: &str| {
            let event = json!({ "type": kind, "x": x, "y": y, "button": button, "clickCount": 1 });
            self.ask("Input.dispatchMouseEvent", event);
        };
        mouse("mouseMoved", "none");
        mouse("mousePressed", "left");
        mouse("mouseReleased", "left");
    }

    /// The middle of an element, once it is in sight.
    fn middle(&mut self, selector: &str) -> Result<(f64, f64), String> {
        let node = *self.nodes(selector).first().ok_or("it is not there")?;
        self.try_ask("DOM.scrollIntoViewIfNeeded", json!({ "nodeId": node }))?;
        let quads = self.try_ask("DOM.getContentQuads", json!({ "nodeId": node }))?;
        let corners: Vec<f64> =
            quads["quads"][0].as_array().ok_or("it has no place")?.iter().filter_map(Json::as_f64).collect();
        let mean = |from: usize| corners.iter().skip(from).step_by(2).sum::<f64>() / 4.0;
        Ok((mean(0), mean(1)))
    }

    /// Writes into a field in place of what it holds.
    pub fn fill(&mut self, selector: &str, text: &str) {
        self.click(selector);
        let all = json!({ "type": "keyDown", "key": "a", "code": "KeyA", "modifiers": 2, "commands": ["selectAll"] });
        self.ask("Input.dispatchKeyEvent", all);
        self.ask("Input.insertText", json!({ "text": text }));
    }

    // How it looks.

    /// Whether pages may run scripts, from the next one on.
    pub fn set_scripts(&mut self, enabled: bool) {
        self.ask("Emulation.setScriptExecutionDisabled", json!({ "value": !enabled }));
    }

    /// How large the window is; below 600 pixels it is a phone's.
    pub fn set_viewport(&mut self, width: u32, height: u32) {
        let of = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.ask("Emulation.setDeviceMetricsOverride", of);
    }

    /// Whether the user prefers dark pages.
    pub fn set_dark(&mut self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": value }]);
        self.ask("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// How wide the content is; more than the window, if one must scroll to the side.
    pub fn width(&mut self) -> f64 {
        self.ask("Page.getLayoutMetrics", json!({}))["cssContentSize"]["width"].as_f64().unwrap()
    }

    /// Writes the whole page as PNG.
    pub fn screenshot(&mut self, path: &Path) {
        let shot = self.ask("Page.captureScreenshot", json!({ "format": "png", "captureBeyondViewport": true }));
        std::fs::write(path, bytes_of_base64(shot["data"].as_str().unwrap())).unwrap();
    }

    /// The page light, dark and on a phone, in the folder that SWEEP_SHOTS names; none where it names none.
    pub fn shots(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("SWEEP_SHOTS").map(PathBuf::from) else { return };
        std::fs::create_dir_all(&folder).unwrap();
        self.screenshot(&folder.join(format!("{name}-light.png")));
        self.set_dark(true);
        self.screenshot(&folder.join(format!("{name}-dark.png")));
        self.set_dark(false);
        self.set_viewport(390, 844);
        self.screenshot(&folder.join(format!("{name}-phone.png")));
        self.set_viewport(1280, 900);
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends in peace where nothing reads its answers any more.
        self.commands = None;
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            if matches!(self.process.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Every message of the browser until it ends.
fn listen(answers: ChildStdout) -> Receiver<Json> {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for message in BufReader::new(answers).split(0) {
            let message = message.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
            if message.is_none_or(|message| tell.send(message).is_err()) {
                return;
            }
        }
    });
    told
}

fn document(response: &Json) -> (String, u64, Option<String>) {
    let headers = response["headers"].as_object().unwrap();
    let policy = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-security-policy"));
    let url = response["url"].as_str().unwrap().to_owned();
    (url, response["status"].as_u64().unwrap_or(0), policy.map(|(_, value)| value.to_string()))
}

/// All text within an element.
fn written(node: &Json) -> String {
    if node["nodeType"] == 3 {
        return node["nodeValue"].as_str().unwrap_or("").to_owned();
    }
    node["children"].as_array().map_or(String::new(), |children| children.iter().map(written).collect())
}

/// An attribute; the protocol lists names and values in turn.
fn attribute(node: &Json, name: &str) -> Option<String> {
    let listed = node["attributes"].as_array()?;
    let pair = listed.chunks(2).find(|pair| pair[0] == name)?;
    pair[1].as_str().map(str::to_owned)
}

/// Base64 (RFC 4648), as the protocol sends pictures.
fn bytes_of_base64(text: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => u32::from(c - b'A'),
        b'a'..=b'z' => u32::from(c - b'a') + 26,
        b'0'..=b'9' => u32::from(c - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u32> = text.bytes().filter(|c| *c != b'=').map(value).collect();
    let bytes = |four: &[u32]| {
        let bits = four.iter().enumerate().fold(0, |bits, (k, digit)| bits | digit << (18 - 6 * k));
        let [_, bytes @ ..] = bits.to_be_bytes();
        bytes.into_iter().take(four.len() * 3 / 4).collect::<Vec<u8>>()
    };
    digits.chunks(4).flat_map(bytes).collect()
}
