//! Calls to a blob service that this file plays.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A container at a server that gives `answers`, one to a connection, and the requests it was sent.
async fn playing(answers: &'static [&'static str]) -> (Container, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let container = Container::parse(&format!("http://127.0.0.1:{port}/account/uploads?sv=1&sig=s")).unwrap();
    let served = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            requests.push(read_request(&mut stream).await);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        requests
    });
    (container, served)
}

async fn read_request(stream: &mut tokio::net::TcpStream) -> String {
    let mut asked = String::new();
    loop {
        let mut piece = [0; 1024];
        let length = stream.read(&mut piece).await.unwrap();
        asked.push_str(std::str::from_utf8(&piece[..length]).unwrap());
        let Some((head, body)) = asked.split_once("\r\n\r\n") else { continue };
        let announced = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if announced.is_none_or(|length| body.len() >= length.parse().unwrap()) {
            return asked;
        }
    }
}

const CREATED: &str = "HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n";
const NO_BLOB: &str = "HTTP/1.1 404 Not Found\r\nx-ms-error-code: BlobNotFound\r\ncontent-length: 0\r\n\r\n";

#[tokio::test]
async fn a_blob_is_put_under_its_name_with_the_signature() {
    let (container, served) = playing(&[CREATED]).await;
    let content = Bytes::from_static(b"hello");
    BlobClient::default().put(&container, "dev1/a b", "text/plain", content).await.unwrap();
    let request = served.await.unwrap().remove(0);
    assert!(request.starts_with("PUT /account/uploads/dev1/a%20b?sv=1&sig=s HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("x-ms-blob-type: BlockBlob\r\n") && request.contains("content-type: text/plain\r\n"));
    assert!(request.ends_with("\r\n\r\nhello"));
}

#[tokio::test]
async fn an_append_blob_is_made_when_it_is_not_there() {
    let (container, served) = playing(&[NO_BLOB, CREATED, CREATED]).await;
    BlobClient::default().append(&container, "log", Bytes::from_static(b"line")).await.unwrap();
    let requests = served.await.unwrap();
    assert!(requests[0].starts_with("PUT /account/uploads/log?comp=appendblock&sv=1&sig=s "), "{requests:?}");
    assert!(requests[1].contains("x-ms-blob-type: AppendBlob\r\n") && requests[1].contains("content-length: 0\r\n"));
    assert!(requests[2].ends_with("\r\n\r\nline"));
}

#[tokio::test]
async fn an_append_to_a_container_that_is_not_there_makes_nothing() {
    let absent = "HTTP/1.1 404 Not Found\r\nx-ms-error-code: ContainerNotFound\r\ncontent-length: 0\r\n\r\n";
    let (container, served) = playing(Box::leak(Box::new([absent]))).await;
    let found = BlobClient::default().append(&container, "log", Bytes::new()).await;
    assert_eq!(found, Err(BlobError::NotFound("ContainerNotFound".to_owned())));
    assert_eq!(served.await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_length_is_asked_for_without_the_content() {
    let (container, served) = playing(&["HTTP/1.1 200 OK\r\ncontent-length: 123\r\n\r\n", NO_BLOB]).await;
    let client = BlobClient::default();
    assert_eq!(client.length(&container, "a").await, Ok(Some(123)));
    assert_eq!(client.length(&container, "b").await, Ok(None));
    assert!(served.await.unwrap()[0].starts_with("HEAD /account/uploads/a?"));
}

#[tokio::test]
async fn refusals_are_told_apart_by_their_status() {
    const REFUSED: &str =
        "HTTP/1.1 403 Forbidden\r\nx-ms-error-code: AuthenticationFailed\r\ncontent-length: 14\r\n\r\n<Error></Error";
    const LONG: &str = "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world";
    const REDIRECT: &str = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n";
    let (container, _served) = playing(&[REFUSED, NO_BLOB, REDIRECT, LONG]).await;
    let client = BlobClient::default();
    let get = async || client.get(&container, "a", 10).await.unwrap_err();
    assert_eq!(get().await, BlobError::Denied("AuthenticationFailed".to_owned()));
    assert_eq!(get().await, BlobError::NotFound("BlobNotFound".to_owned()));
    assert_eq!(get().await, BlobError::Unexpected(302, String::new()));
    assert_eq!(get().await, BlobError::TooLarge(10));
}

#[tokio::test]
async fn a_listing_goes_on_to_its_end_or_to_what_is_wanted() {
    const FIRST: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n<Blobs><Blob><Name>a</Name></Blob></Blobs><NextMarker>x&amp;y</NextMarker>";
    const SECOND: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n<Blobs><Blob><Name>b</Name></Blob></Blobs>";
    let (container, served) = playing(&[FIRST, SECOND, FIRST]).await;
    let client = BlobClient::default();
    let names = |blobs: Vec<ListedBlob>| blobs.into_iter().map(|blob| blob.name).collect::<Vec<_>>();
    assert_eq!(names(client.list(&container, "p/", 10).await.unwrap()), ["a", "b"]);
    assert_eq!(names(client.list(&container, "", 1).await.unwrap()), ["a"]);
    let requests = served.await.unwrap();
    assert!(
        requests[0]
            .starts_with("GET /account/uploads?restype=container&comp=list&maxresults=1000&prefix=p%2F&sv=1&sig=s ")
    );
    assert!(requests[1].contains("&marker=x%26y&"), "{}", requests[1]);
}

#[tokio::test]
async fn a_token_is_shown_and_a_key_is_asked_of_the_account() {
    const KEY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 246\r\n\r\n<UserDelegationKey><SignedOid>o</SignedOid>\
        <SignedTid>t</SignedTid><SignedStart>2026-11-22T05:00:00Z</SignedStart><SignedExpiry>2026-11-22T06:00:00Z\
        </SignedExpiry><SignedService>b</SignedService><SignedVersion>1</SignedVersion><Value>a2V5</Value>";
    let (container, served) = playing(&[CREATED, KEY]).await;
    let bare = Container::parse(&container.place()).unwrap().with_bearer(iolite_kernel::Secret::new("token"));
    BlobClient::default().put(&bare, "a", "text/plain", Bytes::new()).await.unwrap();
    BlobClient::default().delegation_key(&bare, Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH).await.unwrap();
    let requests = served.await.unwrap();
    assert!(requests.iter().all(|request| request.contains("authorization: Bearer token\r\n")), "{requests:?}");
    assert!(requests[0].starts_with("PUT /account/uploads/a HTTP/1.1\r\n"));
    assert!(requests[1].starts_with("POST /account/?restype=service&comp=userdelegationkey HTTP/1.1\r\n"));
    assert!(requests[1].contains("x-ms-version: 2018-11-09\r\n") && requests[1].ends_with("</Expiry></KeyInfo>"));
}
