//! A webhook on a free port of this machine: it tells what it is sent, and agrees to events or does not.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A webhook.
pub(crate) struct Webhook {
    pub(crate) url: String,
    asked: mpsc::UnboundedReceiver<(String, String)>,
}

impl Webhook {
    pub(crate) async fn start(agrees: bool) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://127.0.0.1:{}/hook?code=secret", listener.local_addr().unwrap().port());
        let (tell, asked) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream, agrees, &tell).await;
            }
        });
        Self { url, asked }
    }

    /// The method and the body of the next request.
    pub(crate) async fn next(&mut self) -> (String, String) {
        self.asked.recv().await.unwrap()
    }
}

/// One request: Event Grid's client makes a connection for each.
async fn serve(mut stream: TcpStream, agrees: bool, tell: &mpsc::UnboundedSender<(String, String)>) {
    let mut text = Vec::new();
    let (head, whole) = loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.unwrap();
        text.extend_from_slice(&piece[..read]);
        if let Some(end) = text.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(text[..end].to_vec()).unwrap();
            let length: Option<String> =
                head.lines().find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned));
            let whole = end + 4 + length.map_or(0, |length| length.parse::<usize>().unwrap());
            break (head, whole);
        }
    };
    while text.len() < whole {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.unwrap();
        text.extend_from_slice(&piece[..read]);
    }
    let method = head.split(' ').next().unwrap().to_owned();
    let sent = String::from_utf8(text[head.len() + 4..].to_vec()).unwrap();
    let allowed = if agrees { "webhook-allowed-origin: *\r\n" } else { "" };
    let answer = format!("HTTP/1.1 200 OK\r\n{allowed}content-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
    tell.send((method, sent)).unwrap();
}
