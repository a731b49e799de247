//! Log events over plain sockets.

use std::net::SocketAddr;

use server::{SocketFormat, SocketListen, Transport};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

use crate::support::{Harness, scope};

fn doors() -> Vec<SocketListen> {
    let emf = SocketFormat::EmbeddedMetrics {
        default_log_group: "/emf".to_owned(),
        default_log_stream: "default".to_owned(),
    };
    let syslog = SocketFormat::Syslog {
        log_group: "/syslog/{hostname}".to_owned(),
        log_stream: "{app_name}".to_owned(),
    };
    let door = |format: &SocketFormat, transport| SocketListen {
        addr: SocketAddr::from(([127, 0, 0, 1], 0)),
        transport,
        format: format.clone(),
        required: true,
        scope: scope(),
    };
    [&emf, &syslog].into_iter().flat_map(|f| [door(f, Transport::Tcp), door(f, Transport::Udp)]).collect()
}

/// Group, stream and texts of what was stored, once there are `events` of them.
async fn stored(harness: &Harness, events: usize) -> Vec<(String, String, Vec<String>)> {
    while harness.kept.batches.lock().iter().map(|batch| batch.events.len()).sum::<usize>() < events {
        tokio::task::yield_now().await;
    }
    let batches = std::mem::take(&mut *harness.kept.batches.lock());
    let texts =
        |batch: &signals::LogBatch| batch.events.iter().map(|event| event.text().to_owned()).collect();
    batches.iter().map(|b| (b.log_group.clone(), b.log_stream.clone(), texts(b))).collect()
}

#[tokio::test]
async fn embedded_metrics_and_syslog_come_by_tcp_and_udp() {
    let harness = Harness::with(|config| config.sockets = doors()).await;
    let at = |i: usize| harness.server.addresses().sockets[i].unwrap();
    let named = r#"{"_aws":{"LogGroupName":"g","LogStreamName":"s","Timestamp":1},"a":1}"#;
    let nameless = r#"{"_aws":{},"a":1}"#;
    let is =
        |group: &str, stream: &str, text: &str| (group.to_owned(), stream.to_owned(), vec![text.to_owned()]);
    let emf = [is("/emf", "default", nameless), is("g", "s", named)];

    let mut tcp = TcpStream::connect(at(0)).await.unwrap();
    tcp.write_all(format!("{named}\nnot json\n{nameless}").as_bytes()).await.unwrap();
    tcp.shutdown().await.unwrap();
    let mut found = stored(&harness, 2).await;
    found.sort();
    assert_eq!(found, emf);

    let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    udp.send_to(format!("{named}\n{nameless}\n").as_bytes(), at(1)).await.unwrap();
    let mut found = stored(&harness, 2).await;
    found.sort();
    assert_eq!(found, emf);

    let message = "<34>1 2026-01-02T03:04:05Z web su - - - hi";
    let mut tcp = TcpStream::connect(at(2)).await.unwrap();
    tcp.write_all(format!("{} {message}", message.len()).as_bytes()).await.unwrap();
    assert_eq!(stored(&harness, 1).await, [is("/syslog/web", "su", message)]);
    udp.send_to(message.as_bytes(), at(3)).await.unwrap();
    assert_eq!(stored(&harness, 1).await, [is("/syslog/web", "su", message)]);
}

#[tokio::test]
async fn a_connection_whose_events_cannot_be_kept_is_closed() {
    let harness = Harness::with(|config| config.sockets = doors()).await;
    harness.kept.is_full.store(true, std::sync::atomic::Ordering::SeqCst);
    let mut tcp = TcpStream::connect(harness.server.addresses().sockets[2].unwrap()).await.unwrap();
    tcp.write_all(b"<34>1 2026-01-02T03:04:05Z web su - - - hi\n").await.unwrap();
    let mut nothing = [0; 1];
    assert!(matches!(tcp.read(&mut nothing).await, Ok(0) | Err(_)));
}
