//! What each layer keeps: every attack is made with the layer and without it. This program is its own launcher.

#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

mod world;

use std::process::ExitCode;

use isolation::sandbox::Layers;
use libtest_mimic::{Arguments, Failed, Trial};

use self::world::{Outside, World};

/// Without what the tests below switch on one by one.
const NONE: Layers =
    Layers { ownership: false, namespaces: false, guard: false, landlock: false, seccomp: false, limits: false };
/// Where the kernel offers no namespaces, as in a container.
const CONTAINER: Layers = Layers { namespaces: false, ..Layers::ALL };

/// All layers, then what is left of them in a container. An ordinary user has no promise to test there.
fn machines() -> Vec<Layers> {
    let containers = [CONTAINER, Layers { landlock: false, ..CONTAINER }];
    std::iter::once(Layers::ALL).chain(containers.into_iter().filter(|_| nix::unistd::getuid().is_root())).collect()
}

fn main() -> ExitCode {
    if let Some(code) = isolation::launch::if_asked() {
        return code;
    }
    let trials = vec![
        trial("files_that_nobody_approved_stay", files_that_nobody_approved_stay),
        trial("approved_files_can_be_replaced_and_new_ones_made", approved_files_can_be_replaced_and_new_ones_made),
        trial("files_outside_cannot_be_read", files_outside_cannot_be_read),
        trial("what_is_to_be_read_can_be_read", what_is_to_be_read_can_be_read),
        trial("nothing_outside_is_reached", nothing_outside_is_reached),
        trial("servers_on_loopback_work", servers_on_loopback_work),
        trial("unix_sockets_of_others_are_not_reached", unix_sockets_of_others_are_not_reached),
        trial("the_supervisors_socket_is_reached", the_supervisors_socket_is_reached),
        trial("refused_connections_are_counted", refused_connections_are_counted),
        trial("the_supervisors_environment_is_closed", the_supervisors_environment_is_closed),
        trial("other_processes_cannot_be_ended", other_processes_cannot_be_ended),
        trial("system_calls_that_no_build_needs_fail", system_calls_that_no_build_needs_fail),
        trial("content_is_not_moved_between_files", content_is_not_moved_between_files),
        trial("limits_hold", limits_hold),
        trial("ends_are_told_as_they_were", ends_are_told_as_they_were),
        trial("what_is_left_behind_ends_with_its_process_table", what_is_left_behind_ends_with_its_process_table),
        trial("a_machine_without_the_layers_is_refused", a_machine_without_the_layers_is_refused),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial(name: &'static str, test: impl AsyncFnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        runtime.block_on(test());
        Ok::<_, Failed>(())
    })
}

/// Every way to touch `src/other` and the folders above it.
const TAMPER: &str = "echo x > src/other; echo x >> src/other; truncate -s 0 src/other; rm -f src/other; \
    mv src/other src/moved; mv src/approved src/other; ln -f src/approved src/other; cp /dev/null src/other; \
    sed -i s/o/x/ src/other; chmod 777 src/other; mv src src2; rm -rf src/deep; mv src/deep src/deeper; true";

async fn files_that_nobody_approved_stay() {
    for layers in machines() {
        let world = World::new(layers).await;
        world.run(TAMPER).await;
        assert_eq!(
            (world.read("src/other").as_deref(), world.read("src/deep/er").as_deref()),
            (Some("other"), Some("er"))
        );
    }
    let world = World::new(NONE).await;
    world.run(TAMPER).await;
    assert_ne!((world.read("src/other").as_deref(), world.read("src/deep/er").as_deref()), (Some("other"), Some("er")));
}

async fn approved_files_can_be_replaced_and_new_ones_made() {
    for layers in machines() {
        let world = World::new(layers).await;
        let script = "set -e; echo 1 > src/approved; rm src/approved; echo 2 > src/approved; echo 3 > t; mv t src/approved; \
            mkdir build; echo x > build/product; mkdir -p \"$HOME/.cache\"";
        assert_eq!(world.run(script).await.status, Some(0));
        assert_eq!(world.read("src/approved").as_deref(), Some("3\n"));
    }
}

async fn files_outside_cannot_be_read() {
    let read = |world: &World| format!("cat {}", world.secret_file().display());
    for layers in [Layers::ALL, CONTAINER, Layers { landlock: false, ..Layers::ALL }] {
        let world = World::new(layers).await;
        assert!(!world.run(&read(&world)).await.output.contains("canary"), "{layers:?}");
    }
    let world = World::new(NONE).await;
    assert!(world.run(&read(&world)).await.output.contains("canary"));
}

async fn what_is_to_be_read_can_be_read() {
    for layers in machines() {
        let world = World::new(layers).await;
        let file = world.readable_file();
        let script = format!("cat {0}; echo x > {0}", file.display());
        assert_eq!(world.run(&script).await.output, "instructions", "{layers:?}");
        assert_eq!(std::fs::read_to_string(file).unwrap(), "instructions", "{layers:?}");
    }
}

/// Tries to send `canary` to an address by TCP, and by UDP.
fn send(to: std::net::SocketAddr) -> String {
    let (host, port) = (to.ip(), to.port());
    format!(
        "python3 -c \"import socket\nfor kind, fast in ((1, 0), (2, 0), (1, 0x20000000)):\n try:\n  s = socket.socket(2, kind)\n  s.sendto(b'canary', fast, ('{host}', {port})) if fast or kind == 2 else (s.connect(('{host}', {port})), s.send(b'canary'))\n except OSError as e: print(e)\""
    )
}

async fn nothing_outside_is_reached() {
    for layers in machines() {
        let (world, outside) = (World::new(layers).await, Outside::open());
        world.run(&send(outside.address())).await;
        assert_eq!(outside.heard(), 0, "{layers:?}");
    }
    let (world, outside) = (World::new(NONE).await, Outside::open());
    world.run(&send(outside.address())).await;
    assert_eq!(outside.heard(), 3);
}

/// Connects to a socket by its path.
fn dial(path: &std::path::Path) -> String {
    format!(
        "python3 -c \"import socket; s = socket.socket(socket.AF_UNIX); s.connect('{}'); print('in')\"",
        path.display()
    )
}

async fn unix_sockets_of_others_are_not_reached() {
    for layers in machines().into_iter().chain([NONE]) {
        let world = World::new(layers).await;
        let socket = world.outside("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        std::fs::set_permissions(&socket, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let output = world.run(&dial(&socket)).await.output;
        assert_eq!(output.contains("in"), layers == NONE, "{layers:?}");
        // Its own are.
        let own = "python3 -c \"import socket; a = socket.socket(socket.AF_UNIX); a.bind('own'); a.listen(); \
            b = socket.socket(socket.AF_UNIX); b.connect('own'); print('own')\"";
        assert_eq!(world.run(own).await.output, "own\n", "{layers:?}");
    }
}

async fn servers_on_loopback_work() {
    let script = "python3 -c \"import socket\nfor family, host in ((2, '127.0.0.1'), (10, '::1')):\n \
        l = socket.create_server((host, 0), family=family); c = socket.create_connection(l.getsockname()[:2]); \
        c.send(b'hi'); print(l.accept()[0].recv(2))\nl = socket.socket(1); l.bind('s'); l.listen(); \
        c = socket.socket(1); c.connect('s'); print('unix')\"";
    for layers in machines().into_iter().chain([NONE]) {
        let result = World::new(layers).await.run(script).await;
        assert_eq!(result.output, "b'hi'\nb'hi'\nunix\n", "{layers:?}");
    }
}

async fn the_supervisors_socket_is_reached() {
    for layers in machines().into_iter().chain([NONE]) {
        let result = World::new(layers)
            .await
            .run("python3 -c \"import os, socket; print(socket.create_connection(('127.0.0.1', int(os.environ['PORT']))).recv(9))\"")
            .await;
        assert_eq!(result.output, "b'hello'\n", "{layers:?}");
    }
}

async fn refused_connections_are_counted() {
    let result = World::new(CONTAINER).await.run("python3 -c \"import socket\ntry: socket.create_connection(('192.0.2.1', 80))\nexcept OSError as e: print(e.errno)\"").await;
    assert_eq!((result.output.as_str(), result.refused), ("101\n", 1));
}

async fn the_supervisors_environment_is_closed() {
    let script = "cat /proc/[0-9]*/environ /proc/*/task/*/environ /proc/*/root/etc/shadow; true";
    for layers in machines() {
        let result = World::new(layers).await.run(script).await;
        // The command's own variable is there, so the search works; the supervisor's is not.
        assert!(result.output.contains("PORT=") && !result.output.contains("CARGO_MANIFEST_DIR"), "{}", result.output);
    }
}

async fn other_processes_cannot_be_ended() {
    let victim = world::Victim::start();
    for layers in machines() {
        // With a process table of its own, all that it can see. Elsewhere that would be every sandbox of this user.
        let all = if layers.namespaces { "$PPID -1" } else { "" };
        World::new(layers).await.run(&format!("kill -9 {} {all}; true", victim.id())).await;
        assert!(victim.lives(), "{layers:?}");
    }
}

async fn system_calls_that_no_build_needs_fail() {
    const SCRIPT: &str = "python3 -c \"
import ctypes, errno, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments])
    return 'ok' if result >= 0 else errno.errorcode[ctypes.get_errno()]
def sock(*arguments):
    try: socket.socket(*arguments); return 'ok'
    except OSError as e: return errno.errorcode[e.errno]
print(call(272, 0x10000000), call(425, 1, 0), call(321, 0, 0, 0), call(248, 0, 0, 0, 0, 0), sock(16, 3, 0), sock(40, 1, 0), sock(2, 3, 1))\"";
    if !cfg!(target_arch = "x86_64") {
        // The numbers above are this machine's.
        return;
    }
    // unshare, io_uring_setup, bpf, add_key; netlink, vsock and raw sockets.
    let forbidden = "EPERM ENOSYS EPERM EPERM EAFNOSUPPORT EAFNOSUPPORT EAFNOSUPPORT\n";
    assert_eq!(World::new(CONTAINER).await.run(SCRIPT).await.output, forbidden);
    let open = World::new(NONE).await.run(SCRIPT).await.output;
    assert!(
        open.split_whitespace().zip(forbidden.split_whitespace()).filter(|(now, then)| now != then).count() >= 5,
        "{open}"
    );
}

/// By requests that leave a file's times as they were: of ext4, and two of XFS with different sizes of argument.
async fn content_is_not_moved_between_files() {
    const SCRIPT: &str = "python3 -c \"
import errno, fcntl
for request in (0xC028660F, 0xC0C0586D, 0x40285881, 0x5401):
    try: fcntl.ioctl(open('src/approved', 'r+'), request, bytes(256))
    except OSError as e: print(errno.errorcode[e.errno] == 'EPERM')\"";
    for layers in machines() {
        let output = World::new(layers).await.run(SCRIPT).await.output;
        assert_eq!(output, "True\nTrue\nTrue\nFalse\n", "{layers:?}: a question about terminals is answered");
    }
    assert_eq!(World::new(NONE).await.run(SCRIPT).await.output, "False\nFalse\nFalse\nFalse\n");
}

async fn limits_hold() {
    let script = "python3 -c \"import resource as r; print([r.getrlimit(i)[0] for i in \
        (r.RLIMIT_CORE, r.RLIMIT_NOFILE, r.RLIMIT_NPROC, r.RLIMIT_CPU)])\"";
    assert_eq!(World::new(Layers::ALL).await.run(script).await.output, "[0, 16384, 2048, 60]\n");
    assert_ne!(World::new(NONE).await.run(script).await.output, "[0, 16384, 2048, 60]\n");
}

async fn ends_are_told_as_they_were() {
    use std::os::unix::process::ExitStatusExt as _;
    for layers in machines() {
        let world = World::new(layers).await;
        assert_eq!(world.run("exit 7").await.status, Some(7));
        for signal in [9, 11, 15] {
            let status = world.run(&format!("kill -{signal} $$")).await.raw;
            assert_eq!(status.signal(), Some(signal), "{layers:?} {status}");
        }
        let error = world.start_program("no-such-program").await.unwrap_err();
        assert_eq!(error.layer, "command", "{error}");
    }
}

async fn what_is_left_behind_ends_with_its_process_table() {
    let world = World::new(Layers::ALL).await;
    let script = "(setsid sh -c 'echo started > src/a; while :; do echo x >> src/alive; done' &) ; \
        until test -s src/alive; do :; done";
    world.run(script).await;
    let size = || std::fs::metadata(world.path("src/alive")).unwrap().len();
    let before = size();
    // Longer than the loop needs for many rounds, had it gone on.
    world.run("for i in 1 2 3 4 5 6 7 8 9; do cat /proc/self/status > /dev/null; done").await;
    assert_eq!(size(), before);
}

async fn a_machine_without_the_layers_is_refused() {
    let refused = World::try_new(NONE, false).await.unwrap_err().to_string();
    for promise in ["files that the SPEC does not name", "the network", "system calls"] {
        assert!(refused.contains(promise), "{refused}");
    }
}
