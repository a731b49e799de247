//! Grouping accuracy on messages of many services whose templates are known: the part of all messages whose
//! pattern holds exactly the messages of their template (Zhu et al., "Tools and Benchmarks for Automated Log
//! Parsing", ICSE 2019). Templates and values are of our own making, in the manner of the services they are named
//! after; the weights make some messages a thousand times as frequent as others, as in life.

use std::collections::HashMap;

use crate::{MinerConfig, PatternMiner};

/// `{kind}` is a value of that kind; `{a|b|c}` one of these words.
const TEMPLATES: &[(&str, &[&str])] = &[
    (
        "storage",
        &[
            "{syslogdate} {n} INFO dfs.DataNode$DataXceiver: Receiving block {blk} src: /{ip} dest: /{ip}",
            "{syslogdate} {n} INFO dfs.DataNode$PacketResponder: Received block {blk} of size {n} from /{ip}",
            "{syslogdate} {n} INFO dfs.DataNode$PacketResponder: PacketResponder {n} for block {blk} terminating",
            "{syslogdate} {n} INFO dfs.FSNamesystem: BLOCK* NameSystem.addStoredBlock: blockMap updated: {ip} is added to {blk} size {n}",
            "{syslogdate} {n} INFO dfs.FSNamesystem: BLOCK* ask {ip} to delete {blks}",
            "{syslogdate} {n} WARN dfs.DataNode$DataXceiver: {ip}:Got exception while serving {blk} to /{ip}:",
            "{syslogdate} {n} INFO dfs.FSDataset: Deleting block {blk} file {path}",
        ],
    ),
    (
        "ssh",
        &[
            "{syslogdate} {host} sshd[{n}]: Failed password for {user} from {ip4} port {n} ssh2",
            "{syslogdate} {host} sshd[{n}]: Failed password for invalid user {user} from {ip4} port {n} ssh2",
            "{syslogdate} {host} sshd[{n}]: Accepted publickey for {user} from {ip4} port {n} ssh2: RSA {hex}",
            "{syslogdate} {host} sshd[{n}]: Connection closed by {ip4} [preauth]",
            "{syslogdate} {host} sshd[{n}]: Received disconnect from {ip4}: {n}: Bye Bye [preauth]",
            "{syslogdate} {host} sshd[{n}]: pam_unix(sshd:session): session opened for user {user} by (uid={n})",
            "{syslogdate} {host} sshd[{n}]: pam_unix(sshd:session): session closed for user {user}",
            "{syslogdate} {host} sshd[{n}]: reverse mapping checking getaddrinfo for {fqdn} [{ip4}] failed - POSSIBLE BREAK-IN ATTEMPT!",
        ],
    ),
    (
        "web",
        &[
            "{ip4} - - [{clf}] \"{GET|POST|PUT} {path} HTTP/1.1\" {n} {n} \"-\" \"curl/8.5.0\"",
            "[{clf}] [error] [client {ip4}] File does not exist: {path}",
            "[{clf}] [notice] workerEnv.init() ok {path}",
            "[{clf}] [error] mod_jk child workerEnv in error state {n}",
            "[{clf}] [notice] jk2_init() Found child {n} in scoreboard slot {n}",
        ],
    ),
    (
        "json",
        &[
            r#"{"time":"{iso}","level":"info","msg":"request handled","path":"{path}","status":{n},"ms":{f},"user":"{user}"}"#,
            r#"{"time":"{iso}","level":"error","msg":"upstream failed","path":"{path}","error":"connect ECONNREFUSED {ip4}:{n}"}"#,
            r#"{"time":"{iso}","level":"info","msg":"cache refreshed","entries":{n}}"#,
            r#"{"time":"{iso}","level":"warn","msg":"slow query","table":"{user}","ms":{f}}"#,
        ],
    ),
    (
        "lambda",
        &[
            "START RequestId: {uuid} Version: $LATEST",
            "END RequestId: {uuid}",
            "REPORT RequestId: {uuid}\tDuration: {f} ms\tBilled Duration: {n} ms\tMemory Size: {n} MB\tMax Memory Used: {n} MB",
            "{iso}\t{uuid}\tINFO\tprocessing order {n}",
            "{iso}\t{uuid}\tERROR\torder {n} rejected: card declined",
            "{iso} {uuid} Task timed out after {f} seconds",
        ],
    ),
    (
        "cluster",
        &[
            "{iso} [myid:{n}] - INFO  [main:QuorumPeer@{n}] - tickTime set to {n}",
            "{iso} [myid:{n}] - WARN  [RecvWorker:{n}:QuorumCnxManager$RecvWorker@{n}] - Interrupting SendWorker",
            "{iso} [myid:{n}] - WARN  [RecvWorker:{n}:QuorumCnxManager$RecvWorker@{n}] - Connection broken for id {n}, my id = {n}, error =",
            "{iso} [myid:{n}] - INFO  [{path}:Learner@{n}] - Revalidating client: {hex}",
            "{iso} [myid:{n}] - INFO  [NIOServerCxn.Factory:/{ip}:NIOServerCnxn@{n}] - Closed socket connection for client /{ip} which had sessionid {hex}",
            "{iso} [myid:{n}] - INFO  [NIOServerCxn.Factory:/{ip}:NIOServerCnxn@{n}] - Client attempting to establish new session at /{ip}",
            "{iso} [myid:{n}] - INFO  [NIOServerCxn.Factory:/{ip}:NIOServerCnxn@{n}] - Accepted socket connection from /{ip}",
        ],
    ),
    (
        "kubernetes",
        &[
            "I{k8s} {n} kubelet.go:{n}] \"SyncLoop ADD\" source=\"api\" pods=[\"{pod}\"]",
            "I{k8s} {n} kubelet.go:{n}] \"SyncLoop DELETE\" source=\"api\" pods=[\"{pod}\"]",
            "E{k8s} {n} pod_workers.go:{n}] \"Error syncing pod, skipping\" err=\"failed to \\\"StartContainer\\\" for \\\"{user}\\\" with CrashLoopBackOff\" pod=\"{pod}\"",
            "W{k8s} {n} reflector.go:{n}] watch of *v1.Pod ended with: too old resource version: {n} ({n})",
            "I{k8s} {n} leaderelection.go:{n}] successfully acquired lease kube-system/{user}",
        ],
    ),
    (
        "database",
        &[
            "{iso} UTC [{n}] LOG:  checkpoint complete: wrote {n} buffers ({f}%); write={f} s, sync={f} s, total={f} s",
            "{iso} UTC [{n}] LOG:  checkpoint starting: time",
            "{iso} UTC [{n}] {user}@{user} ERROR:  duplicate key value violates unique constraint \"{user}_pkey\"",
            "{iso} UTC [{n}] {user}@{user} LOG:  duration: {f} ms  statement: select * from orders where id = {n}",
            "{iso} UTC [{n}] {user}@{user} FATAL:  password authentication failed for user \"{user}\"",
            "{iso} UTC [{n}] LOG:  automatic vacuum of table \"{user}.public.{user}\": index scans: {n}",
        ],
    ),
    (
        "flow",
        &[
            "{n} {n} eni-{hex} {ip4} {ip4} {n} {n} {n} {n} {n} {n} {n} {ACCEPT|REJECT} OK",
            "{n} {n} eni-{hex} - - - - - - - {n} {n} - NODATA",
        ],
    ),
    (
        "orders",
        &[
            "order {n} moved from {NEW|PAID|PACKED|SENT|DONE} to {NEW|PAID|PACKED|SENT|DONE}",
            "customer {user} added {n} items to cart {uuid}",
            "customer {user} removed {n} items from cart {uuid}",
            "could not charge customer {user}: gateway answered {n}",
            "retrying payment {uuid} in {n}ms (attempt {n} of {n})",
            "sent mail to {mail}",
            "refund of {f} EUR for order {n} approved by {user}",
        ],
    ),
];

struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.next(words.len() as u64) as usize]
    }

    fn value(&mut self, kind: &str) -> String {
        const USERS: [&str; 12] = [
            "root",
            "admin",
            "alice",
            "bob",
            "webmaster",
            "oracle",
            "guest",
            "postgres",
            "deploy",
            "carol",
            "backup",
            "nagios",
        ];
        let (h, m, s) = (self.next(24), self.next(60), self.next(60));
        match kind {
            "n" => self.next(100_000).to_string(),
            "f" => format!("{}.{:02}", self.next(900), self.next(100)),
            "blk" => format!("blk_{}{}", if self.next(2) == 0 { "-" } else { "" }, self.next(u64::MAX >> 34)),
            "blks" => (0..=self.next(4)).map(|_| self.value("blk")).collect::<Vec<_>>().join(" "),
            "ip4" => format!("10.{}.{}.{}", self.next(256), self.next(256), self.next(256)),
            "ip" => format!("{}:{}", self.value("ip4"), 1024 + self.next(60_000)),
            "hex" => format!("0x{:x}", self.next(u64::MAX >> 34) + 4096),
            "uuid" => format!(
                "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
                self.next(1 << 30),
                self.next(65_536),
                self.next(4096),
                self.next(4096),
                self.next(1 << 30)
            ),
            "iso" => format!("2026-01-{:02}T{h:02}:{m:02}:{s:02}.{:03}Z", 1 + self.next(28), self.next(1000)),
            "syslogdate" => format!("Jan {:>2} {h:02}:{m:02}:{s:02}", 1 + self.next(28)),
            "clf" => format!("{:02}/Jan/2026:{h:02}:{m:02}:{s:02} +0000", 1 + self.next(28)),
            "k8s" => format!(
                "0{}{:02} {h:02}:{m:02}:{s:02}.{:06}",
                1 + self.next(9),
                1 + self.next(28),
                self.next(1_000_000)
            ),
            "user" => self.pick(&USERS).to_owned(),
            "host" => self.pick(&["LabSZ", "combo", "web"]).to_owned(),
            "fqdn" => format!("{}.{}.example", self.pick(&USERS), self.pick(&["isp", "corp", "static"])),
            "mail" => format!("{}@{}.example", self.pick(&USERS), self.pick(&["one", "two", "three"])),
            "pod" => format!(
                "default/{}-{:x}-{}",
                self.pick(&USERS),
                self.next(1 << 30),
                self.pick(&["abxzq", "x2kfp", "mmnpq"])
            ),
            "path" => (0..=self.next(3))
                .map(|_| format!("/{}", self.pick(&["api", "orders", "static", "v1", "index.html", "usr"])))
                .collect(),
            words => self.pick(&words.split('|').collect::<Vec<_>>()).to_owned(),
        }
    }

    fn message(&mut self, template: &str) -> String {
        let (mut out, mut rest) = (String::new(), template);
        while let Some(start) = rest.find('{') {
            let end = rest[start..].find('}').map(|end| start + end);
            let kind = end.map(|end| &rest[start + 1..end]);
            match (kind, end) {
                (Some(kind), Some(end)) if kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'|') => {
                    out.push_str(&rest[..start]);
                    out.push_str(&self.value(kind));
                    rest = &rest[end + 1..];
                }
                _ => {
                    out.push_str(&rest[..=start]);
                    rest = &rest[start + 1..];
                }
            }
        }
        out.push_str(rest);
        out
    }
}

/// Messages of all services mixed, with the number of their template.
fn messages() -> Vec<(usize, String)> {
    let mut random = Random(42);
    let templates: Vec<&str> = TEMPLATES.iter().flat_map(|(_, templates)| *templates).copied().collect();
    let weights: Vec<u64> = (0..templates.len() as u64).map(|i| 1 + 1_000 / (1 + (i * 7) % 50)).collect();
    let total: u64 = weights.iter().sum();
    (0..20_000)
        .map(|_| {
            let mut at = random.next(total);
            let template = weights.iter().position(|weight| match at.checked_sub(*weight) {
                Some(rest) => {
                    at = rest;
                    false
                }
                None => true,
            });
            let template = template.unwrap();
            (template, random.message(templates[template]))
        })
        .collect()
}

#[test]
fn nine_in_ten_messages_are_grouped_exactly() {
    let messages = messages();
    let mut miner = PatternMiner::new(MinerConfig::default());
    let ids: Vec<_> = messages.iter().map(|(_, message)| miner.add(message)).collect();
    let patterns = miner.patterns();
    let mut of_template: HashMap<usize, u64> = HashMap::new();
    let mut of_both: HashMap<(usize, crate::PatternId), u64> = HashMap::new();
    for ((template, _), id) in messages.iter().zip(&ids) {
        *of_template.entry(*template).or_default() += 1;
        *of_both.entry((*template, miner.resolve(*id))).or_default() += 1;
    }
    let exact: u64 = of_both
        .iter()
        .filter(|((template, id), count)| {
            let pattern = patterns.iter().find(|pattern| pattern.id == *id).unwrap();
            pattern.count == **count && of_template[template] == **count
        })
        .map(|(_, count)| *count)
        .sum();
    let accuracy = exact as f64 / messages.len() as f64;
    let texts: Vec<&str> = patterns.iter().map(|pattern| pattern.text.as_str()).collect();
    assert!(accuracy >= 0.9, "{accuracy} with {} templates: {texts:#?}", of_template.len());
}
