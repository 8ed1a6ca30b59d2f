//! Container and Kubernetes files: they parse, and their names, ports and paths belong together.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use mentiond::config::{self, Secrets};
use yaml_rust2::{Yaml, YamlLoader};

use crate::{project, read};

const STATE: &str = "/var/lib/mentiond";
const USER: i64 = 65532;

fn documents(path: &str) -> Vec<Yaml> {
    YamlLoader::load_from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn texts(list: &Yaml) -> Vec<&str> {
    list.as_vec().unwrap().iter().map(|one| one.as_str().unwrap()).collect()
}

/// Paths that the daemon answers over HTTP.
fn served() -> Vec<String> {
    let web = read("src/web/mod.rs");
    web.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn the_image_is_made_for_what_compose_runs() {
    let file = read("deploy/container/Containerfile");
    let last = file.split_once("\nFROM scratch\n").unwrap().1;
    let has = |line: &str| assert!(last.lines().any(|l| l == line), "{line}");
    has(&format!("USER {USER}:{USER}"));
    has(&format!("VOLUME [\"{STATE}\"]"));
    has("ENV MENTIOND_CONFIG=/etc/mentiond/mentiond.toml");
    // The image and the unit set the C library's allocator alike.
    let unit = read("deploy/systemd/mentiond.service");
    for setting in ["MALLOC_ARENA_MAX=1", "MALLOC_MMAP_THRESHOLD_=131072"] {
        has(&format!("ENV {setting}"));
        assert!(unit.lines().any(|line| line == format!("Environment={setting}")), "{setting}");
    }
    // What tests/deploy/container builds is what the image's first stage builds.
    let built = |text: &str| {
        let way = text.split("case \"$target\" in").nth(1).unwrap().split("$fold \\\n").next().unwrap().to_owned();
        let way = way.replace("target/static", "/build").replace("&& RUSTFLAGS", "RUSTFLAGS").replace('\\', " ");
        way.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(built(&file), built(&read("tests/deploy/container")));
    has("ENTRYPOINT [\"/usr/bin/mentiond\"]");
    has("CMD [\"run\"]");
    assert!(last.contains("HEALTHCHECK") && last.contains("CMD [\"/usr/bin/mentiond\", \"health\"]"), "{last}");
    let cargo = read("Cargo.toml");
    assert!(cargo.contains("[profile.container]") && file.contains("--profile container"));

    let [compose] = documents("deploy/container/compose.yaml").try_into().unwrap();
    let service = &compose["services"]["mentiond"];
    assert_eq!(service["build"]["dockerfile"].as_str(), Some("deploy/container/Containerfile"));
    assert_eq!(service["user"].as_str(), Some(&*format!("{USER}:{USER}")));
    assert_eq!(service["read_only"].as_bool(), Some(true));
    assert_eq!(texts(&service["cap_drop"]), ["ALL"]);
    assert_eq!(texts(&service["security_opt"]), ["no-new-privileges:true"]);
    assert!(texts(&service["volumes"]).contains(&&*format!("state:{STATE}")));
    assert!(texts(&service["volumes"]).contains(&"./config:/etc/mentiond:ro"));
    assert!(compose["volumes"].as_hash().unwrap().contains_key(&Yaml::String("state".into())));
    // The port is open to this machine only.
    assert_eq!(texts(&service["ports"]), ["127.0.0.1:8420:8420"]);
    for secret in texts(&service["secrets"]) {
        assert!(compose["secrets"][secret]["file"].as_str().is_some(), "{secret}");
    }
}

/// podman-compose, told to use a program that only writes down what it is asked for: the closed container of
/// deploy/README.md, and `check` without a daemon beside it.
#[test]
fn compose_asks_for_the_closed_container() {
    let folder = tempfile::tempdir().unwrap();
    let (stub, asked) = (folder.path().join("podman"), folder.path().join("asked"));
    std::fs::write(&stub, format!("#!/bin/sh\necho \"$@\" >> '{}'\necho podman version 4.3.1\n", asked.display()))
        .unwrap();
    std::fs::set_permissions(&stub, std::fs::Permissions::from_mode(0o755)).unwrap();
    let compose = |arguments: &[&str]| -> Option<Vec<String>> {
        let _ = std::fs::remove_file(&asked);
        let mut command = Command::new("podman-compose");
        command.current_dir(project().join("deploy/container")).arg("--podman-path").arg(&stub).args(arguments);
        let Ok(output) = command.output() else {
            println!("skipped: podman-compose is not here");
            return None;
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let asked = std::fs::read_to_string(&asked).unwrap();
        Some(asked.lines().filter(|line| line.starts_with("run ")).map(|line| format!("{line} ")).collect())
    };
    let Some(up) = compose(&["up", "--detach"]) else { return };
    let [up] = &up[..] else { panic!("{up:?}") };
    // What stands there is what a person types who starts the file's first comment.
    let text = read("deploy/container/compose.yaml");
    let check =
        text.lines().find_map(|line| line.strip_prefix("#     podman compose ")?.strip_suffix(" check")).unwrap();
    let check: Vec<&str> = check.split(' ').chain(["check"]).collect();
    let checked = compose(&check).unwrap();
    let [checked] = &checked[..] else { panic!("a daemon was started beside it: {checked:?}") };
    for run in [up, checked] {
        for part in [
            " --read-only ",
            " --cap-drop ALL ",
            " --security-opt no-new-privileges:true ",
            " -u 65532:65532 ",
            "/config:/etc/mentiond:ro ",
            "_state:/var/lib/mentiond ",
            "smtp-password:/run/secrets/smtp-password:ro",
            " -m 512m ",
        ] {
            assert!(run.contains(part), "{part}: {run}");
        }
    }
    assert!(up.contains(" -p 127.0.0.1:8420:8420 ") && up.ends_with(" mentiond "), "{up}");
    assert!(!checked.contains(" -p ") && checked.ends_with(" mentiond check "), "{checked}");
}

/// Kubernetes' own schemas, of an old version and of the newest that is known: no unknown key, no wrong type.
#[test]
fn kubernetes_takes_the_manifest() {
    let Some(python) = std::env::var_os("MENTIOND_PYTHON") else {
        println!("skipped: no Python with kubernetes-validate (MENTIOND_PYTHON; tests/run makes one)");
        return;
    };
    let manifest = project().join("deploy/kubernetes/mentiond.yaml");
    let validate = |arguments: &[&str], file: &std::path::Path| {
        let mut command = Command::new(&python);
        command.args(["-m", "kubernetes_validate", "--strict"]).args(arguments).arg(file).output().unwrap()
    };
    for version in [&["-k", "1.25"][..], &[]] {
        let output = validate(version, &manifest);
        let words = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{words}");
        assert_eq!(words.matches(" passed for resource ").count(), 4, "{words}");
    }
    // It would have told.
    let folder = tempfile::tempdir().unwrap();
    let mistaken = folder.path().join("mistaken.yaml");
    std::fs::write(&mistaken, read("deploy/kubernetes/mentiond.yaml").replace("periodSeconds", "perodSeconds"))
        .unwrap();
    assert!(!validate(&[], &mistaken).status.success());
}

#[test]
fn the_kubernetes_manifest_holds_together() {
    let documents = documents("deploy/kubernetes/mentiond.yaml");
    let one = |kind: &str| {
        let mut found = documents.iter().filter(|d| d["kind"].as_str() == Some(kind));
        let document = found.next().unwrap_or_else(|| panic!("no {kind}"));
        assert!(found.next().is_none(), "two {kind}");
        assert_eq!(document["metadata"]["name"].as_str(), Some("mentiond"));
        document
    };
    let (deployment, service) = (one("Deployment"), one("Service"));
    let (config, claim) = (one("ConfigMap"), one("PersistentVolumeClaim"));
    assert_eq!(documents.len(), 4);

    let spec = &deployment["spec"];
    assert_eq!(spec["replicas"].as_i64(), Some(1), "the state belongs to one mentiond");
    assert_eq!(spec["strategy"]["type"].as_str(), Some("Recreate"));
    let label = &spec["template"]["metadata"]["labels"];
    assert_eq!(&spec["selector"]["matchLabels"], label);
    assert_eq!(&service["spec"]["selector"], label);

    let pod = &spec["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"].as_bool(), Some(false));
    assert_eq!(pod["securityContext"]["runAsNonRoot"].as_bool(), Some(true));
    assert_eq!(pod["securityContext"]["runAsUser"].as_i64(), Some(USER));
    assert_eq!(pod["securityContext"]["fsGroup"].as_i64(), Some(USER));
    let [container] = pod["containers"].as_vec().unwrap().as_slice() else { panic!("one container") };
    let closed = &container["securityContext"];
    assert_eq!(closed["readOnlyRootFilesystem"].as_bool(), Some(true));
    assert_eq!(closed["allowPrivilegeEscalation"].as_bool(), Some(false));
    assert_eq!(texts(&closed["capabilities"]["drop"]), ["ALL"]);

    // Probes ask what is served, at a port that has the name.
    let [port] = container["ports"].as_vec().unwrap().as_slice() else { panic!("one port") };
    for (probe, path) in [("startupProbe", "/readyz"), ("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")] {
        let get = &container[probe]["httpGet"];
        assert_eq!((get["path"].as_str(), &get["port"]), (Some(path), &port["name"]), "{probe}");
        assert!(served().iter().any(|s| s == path), "{path} is not served");
    }
    let [outside] = service["spec"]["ports"].as_vec().unwrap().as_slice() else { panic!("one port") };
    assert_eq!(outside["targetPort"], port["name"]);
    let notes = &spec["template"]["metadata"]["annotations"];
    assert_eq!(notes["prometheus.io/path"].as_str(), Some("/metrics"));
    assert_eq!(notes["prometheus.io/port"].as_str(), port["containerPort"].as_i64().map(|p| p.to_string()).as_deref());

    // Every mount has its volume, and every volume is there.
    let volumes = pod["volumes"].as_vec().unwrap();
    for mount in container["volumeMounts"].as_vec().unwrap() {
        assert!(volumes.iter().any(|v| v["name"] == mount["name"]), "{mount:?}");
    }
    assert!(volumes.iter().any(|v| v["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]));
    assert!(volumes.iter().any(|v| v["configMap"]["name"] == config["metadata"]["name"]));
    let mounted = |path: &str| {
        let mounts = container["volumeMounts"].as_vec().unwrap();
        mounts
            .iter()
            .any(|m| m["mountPath"].as_str().is_some_and(|at| path == at || path.starts_with(&format!("{at}/"))))
    };

    // The configuration in it is one.
    let text = config["data"]["mentiond.toml"].as_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mentiond.toml");
    std::fs::write(&file, text).unwrap();
    let loaded = config::load_with(&file, Secrets::Skip).unwrap_or_else(|errors| panic!("{errors}"));
    let daemon = loaded.config.daemon;
    assert!(daemon.state.to_str() == Some(STATE) && mounted(STATE));
    let listens = daemon.http.unwrap();
    assert!(listens.ip().is_unspecified(), "probes come from outside the container");
    assert_eq!(Some(i64::from(listens.port())), port["containerPort"].as_i64());
    let secret = text.split("password  = { file = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(mounted(secret), "{secret}");
    let [env] = container["env"].as_vec().unwrap().as_slice() else { panic!("one variable") };
    assert_eq!(env["name"].as_str(), Some("MENTIOND_CONFIG"));
    assert!(mounted(env["value"].as_str().unwrap()));
}
