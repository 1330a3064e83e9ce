//! A coordinator that serves on a port of this machine, and calls in raw bytes: what a client of another make, or of bad
//! intent, may send.

use super::clock::Hand;
use std::sync::Arc;
use sweep_coordinator::dispatch::{Dispatcher, Settings};
use sweep_coordinator::service::{self, serve};
use sweep_coordinator::store::Store;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

/// A coordinator that runs.
pub struct Server {
    pub channel: Channel,
    pub dispatcher: Arc<Dispatcher>,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<Result<(), service::Error>>,
}

impl Server {
    pub async fn start(store: Store, clock: &Hand) -> Server {
        let dispatcher = Dispatcher::open_with(store, Arc::new(clock.clone()), Settings::cluster()).await.unwrap();
        let dispatcher = Arc::new(dispatcher);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(serve(listener, Arc::clone(&dispatcher), service::Settings::default(), async {
            let _ = stopped.await;
        }));
        let channel = Endpoint::from_shared(url).unwrap().connect().await.unwrap();
        Server { channel, dispatcher, stop, served }
    }

    /// Calls `SERVICE/METHOD` with encoded messages; the first message of the answer, if there is one. The call is open
    /// until then.
    pub async fn call(
        &self,
        call: &str,
        authorization: Option<&str>,
        messages: Vec<Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, Status> {
        let (says, answer) = self.converse(call, authorization, messages).await?;
        let mut answer = answer;
        let first = answer.message().await;
        drop(says);
        first
    }

    /// The same, and the conversation goes on: what is said further, and what is answered.
    pub async fn converse(
        &self,
        call: &str,
        authorization: Option<&str>,
        messages: Vec<Vec<u8>>,
    ) -> Result<(tokio::sync::mpsc::Sender<Vec<u8>>, Streaming<Vec<u8>>), Status> {
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let (says, said) = tokio::sync::mpsc::channel(64);
        // Only a conversation goes on; whoever waits for the end of an upload must see it.
        let ends = !call.ends_with("/Work") || messages.is_empty();
        for message in messages {
            says.send(message).await.unwrap();
        }
        let mut request = Request::new(tokio_stream::wrappers::ReceiverStream::new(said));
        let says = if ends {
            drop(says);
            tokio::sync::mpsc::channel(1).0
        } else {
            says
        };
        if let Some(authorization) = authorization {
            request.metadata_mut().insert("authorization", authorization.parse().unwrap());
        }
        let path = PathAndQuery::try_from(format!("/{call}")).unwrap();
        let answer = client.streaming(request, path, Raw).await?.into_inner();
        Ok((says, answer))
    }

    /// Ends it; what is stored must be sound.
    pub async fn end(self) {
        let found = self.dispatcher.check().await.unwrap();
        let _ = self.stop.send(());
        self.served.await.unwrap().unwrap();
        let wrong: Vec<_> = found.iter().flat_map(|check| &check.examples).map(ToString::to_string).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

/// Bytes as they are.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Raw;
    type Decoder = Raw;
    fn encoder(&mut self) -> Raw {
        Raw
    }
    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;
    fn encode(&mut self, item: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        prost::bytes::BufMut::put_slice(to, &item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;
    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        use prost::bytes::Buf;
        Ok(Some(from.copy_to_bytes(from.remaining()).to_vec()))
    }
}
