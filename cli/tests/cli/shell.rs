//! What helps at the prompt: completions and manual pages.

use crate::scene::Scene;

#[test]
fn every_shell_is_told_every_verb_and_nothing_hidden() {
    let scene = Scene::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = scene.ok(&["completions", shell]);
        for word in ["repro", "coordinator", "completions", "blas-threads", "quarantined"] {
            assert_eq!(script.contains(word), word != "quarantined", "{shell}: {word}");
        }
    }
    // Bash itself takes it, and completes with it.
    scene.write("sweep.bash", &scene.ok(&["completions", "bash"]));
    let ask = "source ./sweep.bash; COMP_WORDS=(sweep exp); COMP_CWORD=1; _sweep sweep exp sweep; echo ${COMPREPLY[@]}";
    let asked = std::process::Command::new("bash").args(["-c", ask]).current_dir(scene.folder.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "export\n", "{}", String::from_utf8_lossy(&asked.stderr));
    assert!(scene.error(2, &["completions", "tcsh"]).contains("bash"));
}

#[test]
fn every_verb_has_a_manual_page() {
    let scene = Scene::new();
    let said = scene.sweep(&["man", "--dir", "man/man1"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{}", said.err);
    let help = scene.ok(&["--help"]);
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // What is indented further goes on with the line before.
    let verbs: Vec<&str> =
        listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).filter(|word| !word.is_empty()).collect();
    assert!(verbs.len() > 20 && verbs.contains(&"show"), "{verbs:?}");
    for verb in verbs {
        let page = std::fs::read_to_string(scene.path(&format!("man/man1/sweep-{verb}.1"))).unwrap();
        assert!(page.contains(".SH NAME") && page.contains(&format!("sweep\\-{verb}")), "{verb}: {page}");
    }
    assert!(!scene.path("man/man1/sweep-slot.1").exists());
    let of = |page: &str| std::fs::read_to_string(scene.path(&format!("man/man1/{page}.1"))).unwrap();
    assert!(of("sweep").contains("repro") && of("sweep-token-create").contains("expires"));
    // Where to look by default is named, what this machine has set is not.
    let named = scene.command(&["man", "--dir", "named"]).env("SWEEP_COORDINATOR", "https://secret.example").output();
    assert!(named.unwrap().status.success());
    let page = std::fs::read_to_string(scene.path("named/sweep-list.1")).unwrap();
    assert!(page.contains("SWEEP_COORDINATOR") && !page.contains("secret.example"), "{page}");
    scene.write("file", "");
    assert!(scene.error(2, &["man", "--dir", "file/x"]).starts_with("error: file/x cannot be written: "));
}
