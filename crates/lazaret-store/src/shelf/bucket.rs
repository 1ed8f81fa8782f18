//! A prefix of an object store: S3 and what speaks like it, Google Cloud Storage, Azure.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::client::HttpError;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{
    BackoffConfig, Error, GetOptions, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode,
    PutOptions, PutPayload, RetryConfig, UpdateVersion,
};
use tempfile::TempPath;
use tokio::io::AsyncReadExt as _;

use super::error::{ShelfError, failed};
use super::folder::blocking;
use super::name;
use super::reader::ShelfReader;
use super::spool::{Spool, Whole};
use super::{Listed, Removed, WHOLE_BYTES_MAX};

/// A larger file is written in several requests of so many bytes; stores take 10,000 of them, which is 160 GB.
const PART_BYTES: usize = 16 << 20;

/// A prefix of an object store.
pub(super) struct Bucket {
    objects: Arc<dyn ObjectStore>,
    prefix: Path,
    speech: Speech,
}

/// What is needed to speak of the store.
#[derive(Clone)]
struct Speech {
    /// `s3://bucket`.
    address: String,
    /// The first letters of the variables that hold the store's credentials.
    variables: &'static str,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { speech, prefix, .. } = self;
        f.debug_struct("Bucket")
            .field("address", &speech.address)
            .field("prefix", prefix)
            .finish_non_exhaustive()
    }
}

impl Bucket {
    pub(super) fn new(
        scheme: &str,
        rest: &str,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, ShelfError> {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() || bucket.contains(['@', ':', '?', '#']) {
            let why = "a bucket's name comes after `://`, without a user, a password or a port; credentials and \
                       endpoints are given by environment variables";
            return Err(ShelfError::NotAPlace { why });
        }
        let variables = match scheme {
            "s3" => "AWS_",
            "gs" => "GOOGLE_",
            "az" => "AZURE_",
            _ => {
                let why = "it begins with none of `s3://`, `gs://`, `az://` and `file://`, and is no path";
                return Err(ShelfError::NotAPlace { why });
            }
        };
        let prefix = Path::parse(prefix.trim_end_matches('/')).map_err(|_quotes_the_place| {
            ShelfError::NotAPlace { why: "its prefix has an empty part, `.` or `..`" }
        })?;
        let address = format!("{scheme}://{bucket}");
        let objects = objects(variables, bucket, environment)
            .map_err(|_quotes_values| ShelfError::Configuration { address: address.clone(), variables })?;
        Ok(Self { objects, prefix, speech: Speech { address, variables } })
    }

    pub(super) async fn get(&self, name: &str) -> Result<Option<Bytes>, ShelfError> {
        let Some(reader) = self.read(name).await? else { return Ok(None) };
        let mut bytes = Vec::new();
        let location = self.location(name);
        let read = reader.take(WHOLE_BYTES_MAX + 1).read_to_end(&mut bytes).await;
        read.map_err(|error| self.speech.of_reader(&location, error))?;
        if bytes.len() as u64 > WHOLE_BYTES_MAX {
            let name = self.speech.spoken(&location);
            return Err(ShelfError::TooBig { name, bytes_max: WHOLE_BYTES_MAX });
        }
        Ok(Some(bytes.into()))
    }

    pub(super) async fn read(&self, name: &str) -> Result<Option<ShelfReader>, ShelfError> {
        let location = self.location(name);
        let object = match self.objects.get(&location).await {
            Ok(object) => object,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.speech.refused(&location, "read", &error)),
        };
        let speech = self.speech.clone();
        let parts = object
            .into_stream()
            .map(move |part| part.map_err(|error| speech.refused(&location, "read", &error)));
        Ok(Some(ShelfReader::of_bucket(parts.boxed())))
    }

    pub(super) async fn put(&self, name: &str, bytes: Bytes) -> Result<(), ShelfError> {
        if self.create(name, bytes.clone()).await? {
            return Ok(());
        }
        // Also when the first answer to this very write was lost, and it was sent again.
        if self.get(name).await?.is_some_and(|there| there == bytes) {
            return Ok(());
        }
        Err(ShelfError::Differs { name: self.speech.spoken(&self.location(name)) })
    }

    pub(super) async fn put_spooled(&self, name: &str, spool: Spool) -> Result<(), ShelfError> {
        let location = self.location(name);
        let mut parts = Parts::new(spool.whole().await?).await?;
        let first = parts.next_part().await?;
        if first.len() < PART_BYTES {
            return self.put(name, first).await;
        }
        // No store makes the end of a write in parts depend on what is there.
        if let Some(mut there) = self.read(name).await? {
            return self.settle(&location, &mut there, first, parts).await;
        }
        let refused = |error| self.speech.refused(&location, "written", &error);
        let mut upload = self.objects.put_multipart(&location).await.map_err(refused)?;
        match self.send(&location, &mut *upload, first, parts).await {
            Ok(()) => Ok(()),
            Err(error) => {
                // The parts would be paid for until somebody finds them. If even that fails, the first error is the one
                // to tell.
                drop(upload.abort().await);
                Err(error)
            }
        }
    }

    pub(super) async fn replace(&self, name: &str, bytes: Bytes) -> Result<(), ShelfError> {
        let location = self.location(name);
        let put = self.objects.put(&location, bytes.into()).await;
        put.map(drop).map_err(|error| self.speech.refused(&location, "written", &error))
    }

    pub(super) async fn replace_if(
        &self,
        name: &str,
        read: Option<&Bytes>,
        bytes: Bytes,
    ) -> Result<bool, ShelfError> {
        let location = self.location(name);
        let (there, version) = self.get_with_version(&location).await?;
        if there.as_ref() != read {
            return Ok(false);
        }
        let payload = PutPayload::from(bytes.clone());
        let put = |mode: PutMode| self.objects.put_opts(&location, payload.clone(), PutOptions::from(mode));
        let result = match put(version.map_or(PutMode::Create, PutMode::Update)).await {
            Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => put(PutMode::Overwrite).await,
            other => other,
        };
        match result {
            Ok(_) => Ok(true),
            // Also when the first answer to this very write was lost, and it was sent again.
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                Ok(self.get(name).await? == Some(bytes))
            }
            Err(Error::NotFound { .. }) if read.is_some() => Ok(false),
            Err(error) => Err(self.speech.refused(&location, "written", &error)),
        }
    }

    /// Reads a small object together with what names these bytes of it in a condition.
    async fn get_with_version(
        &self,
        location: &Path,
    ) -> Result<(Option<Bytes>, Option<UpdateVersion>), ShelfError> {
        let refused = |error| self.speech.refused(location, "read", &error);
        let object = match self.objects.get(location).await {
            Err(Error::NotFound { .. }) => return Ok((None, None)),
            other => other.map_err(refused)?,
        };
        if object.meta.size > WHOLE_BYTES_MAX {
            let name = self.speech.spoken(location);
            return Err(ShelfError::TooBig { name, bytes_max: WHOLE_BYTES_MAX });
        }
        let ObjectMeta { e_tag, version, .. } = object.meta.clone();
        let bytes = object.bytes().await.map_err(refused)?;
        Ok((Some(bytes), Some(UpdateVersion { e_tag, version })))
    }

    pub(super) async fn remove(&self, name: &str) -> Result<Removed, ShelfError> {
        let location = self.location(name);
        let there = match self.objects.head(&location).await {
            Ok(there) => there,
            Err(Error::NotFound { .. }) => return Ok(Removed::WasNotThere),
            Err(error) => return Err(self.speech.refused(&location, "read", &error)),
        };
        match self.objects.delete(&location).await {
            Ok(()) | Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(self.speech.refused(&location, "removed", &error)),
        }
        let Some(version) = there.version else { return Ok(Removed::Gone) };
        // Some stores name a version whether they keep it or not.
        let options = GetOptions { version: Some(version), head: true, ..GetOptions::default() };
        match self.objects.get_opts(&location, options).await {
            Ok(_) => Ok(Removed::VersionKept),
            Err(Error::NotFound { .. }) => Ok(Removed::Gone),
            Err(error) => Err(self.speech.refused(&location, "read", &error)),
        }
    }

    pub(super) fn list(&self, prefix: &str) -> BoxStream<'static, Result<Listed, ShelfError>> {
        let (speech, root) = (self.speech.clone(), self.prefix.clone());
        let within = self.location(prefix);
        let objects = self.objects.list(Some(&within));
        let listed = objects.filter_map(move |object| {
            let listed = match object {
                // Some tools mark a folder with an empty object of its name.
                Ok(object) if object.location == root => None,
                Ok(object) => Some(listed(&object, &root)),
                Err(error) => Some(Err(speech.refused(&within, "listed", &error))),
            };
            async { listed }
        });
        listed.boxed()
    }

    fn location(&self, name: &str) -> Path {
        let parts = name.split('/').filter(|part| !part.is_empty());
        parts.fold(self.prefix.clone(), |path, part| path.join(part))
    }

    /// Writes an object if there is none; says whether there was none.
    async fn create(&self, name: &str, bytes: Bytes) -> Result<bool, ShelfError> {
        let location = self.location(name);
        let payload = PutPayload::from(bytes);
        let put = |mode: PutMode| self.objects.put_opts(&location, payload.clone(), PutOptions::from(mode));
        let result = match put(PutMode::Create).await {
            Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => {
                match self.objects.head(&location).await {
                    Ok(_) => return Ok(false),
                    Err(Error::NotFound { .. }) => put(PutMode::Overwrite).await,
                    Err(error) => Err(error),
                }
            }
            other => other,
        };
        match result {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(self.speech.refused(&location, "written", &error)),
        }
    }

    async fn send(
        &self,
        location: &Path,
        upload: &mut dyn MultipartUpload,
        first: Bytes,
        mut parts: Parts,
    ) -> Result<(), ShelfError> {
        let refused = |error| self.speech.refused(location, "written", &error);
        let mut part = first;
        while !part.is_empty() {
            upload.put_part(part.into()).await.map_err(refused)?;
            part = parts.next_part().await?;
        }
        upload.complete().await.map(drop).map_err(refused)
    }

    /// Decides about a name that is given already.
    async fn settle(
        &self,
        location: &Path,
        there: &mut ShelfReader,
        first: Bytes,
        mut parts: Parts,
    ) -> Result<(), ShelfError> {
        let mut part = first;
        let mut theirs = Vec::new();
        loop {
            theirs.clear();
            // One byte is enough to see that there are more.
            let wanted = part.len().max(1) as u64;
            let read = (&mut *there).take(wanted).read_to_end(&mut theirs).await;
            read.map_err(|error| self.speech.of_reader(location, error))?;
            if theirs != part {
                return Err(ShelfError::Differs { name: self.speech.spoken(location) });
            }
            if part.is_empty() {
                return Ok(());
            }
            part = parts.next_part().await?;
        }
    }
}

impl Speech {
    fn spoken(&self, location: &Path) -> String {
        format!("{}/{location}", self.address).trim_end_matches('/').to_owned()
    }

    /// Says in our words why the store refused: its own quote requests, with key names, signatures and tokens.
    fn refused(&self, location: &Path, what: &'static str, error: &Error) -> ShelfError {
        let credentials = format!("check the credentials in the environment variables `{}…`", self.variables);
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "every other error is told by what lies beneath it"
        )]
        let why = match error {
            Error::NotFound { .. } => "the store knows no such bucket".to_owned(),
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
                format!("the store does not permit it; {credentials}")
            }
            other => match Cause::of(other) {
                Cause::Status(401 | 403) => format!("the store does not permit it; {credentials}"),
                Cause::Status(507) => "no room is left in the store; make room and try again".to_owned(),
                Cause::Status(status) => {
                    format!("the store answers with the status {status}, also when asked again; try later")
                }
                Cause::Transport => "the connection to the store failed; is it reachable?".to_owned(),
                Cause::Unknown => format!("the request could not be made; {credentials}"),
            },
        };
        ShelfError::Store { name: self.spoken(location), what, why }
    }

    /// Takes an error of ours back out of a reader.
    fn of_reader(&self, location: &Path, error: io::Error) -> ShelfError {
        error.downcast::<ShelfError>().unwrap_or_else(|_error| ShelfError::Store {
            name: self.spoken(location),
            what: "read",
            why: "the connection to the store failed; is it reachable?".to_owned(),
        })
    }
}

/// What lies beneath an error of a store.
enum Cause {
    Status(u16),
    Transport,
    Unknown,
}

impl Cause {
    fn of(error: &Error) -> Self {
        let mut found = Self::Unknown;
        let mut next = error.source();
        while let Some(error) = next {
            if error.is::<HttpError>() || error.is::<io::Error>() {
                found = Self::Transport;
            }
            // The status is kept in words alone.
            let text = error.to_string();
            let status = text.split_once("status code: ").and_then(|(_, rest)| rest.get(..3)?.parse().ok());
            if let Some(status) = status {
                return Self::Status(status);
            }
            next = error.source();
        }
        found
    }
}

/// Reads a whole file in parts.
struct Parts {
    file: Arc<File>,
    /// Removed with this value.
    written: TempPath,
}

impl Parts {
    async fn new(whole: Whole) -> Result<Self, ShelfError> {
        let Whole { written, file } = whole;
        let file = Arc::new(file);
        let (rewound, path) = (Arc::clone(&file), written.to_path_buf());
        blocking(move || (&*rewound).rewind().map_err(failed(&path, "read"))).await?;
        Ok(Self { file, written })
    }

    /// Returns the next part; empty at the end.
    async fn next_part(&mut self) -> Result<Bytes, ShelfError> {
        let (file, path): (_, PathBuf) = (Arc::clone(&self.file), self.written.to_path_buf());
        blocking(move || {
            let mut part = Vec::new();
            let read = (&*file).take(PART_BYTES as u64).read_to_end(&mut part);
            read.map_err(failed(&path, "read"))?;
            Ok(part.into())
        })
        .await
    }
}

fn listed(object: &ObjectMeta, root: &Path) -> Result<Listed, ShelfError> {
    let parts = object.location.prefix_match(root).into_iter().flatten();
    let name = parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/");
    name::check(&name)?;
    Ok(Listed { name, bytes: object.size })
}

fn objects(
    variables: &str,
    bucket: &str,
    environment: &BTreeMap<String, String>,
) -> Result<Arc<dyn ObjectStore>, Error> {
    // Another part of the program may have chosen the same before; then there is nothing to do.
    drop(rustls::crypto::ring::default_provider().install_default());
    let retry = RetryConfig {
        backoff: BackoffConfig { max_backoff: Duration::from_secs(10), ..BackoffConfig::default() },
        max_retries: 5,
        retry_timeout: Duration::from_secs(120),
    };
    // Other variables may be called like a setting without its prefix, and one may even name another bucket.
    let settings = environment
        .iter()
        .filter(|(key, _)| key.starts_with(variables))
        .map(|(key, value)| (key.to_ascii_lowercase(), value));
    Ok(match variables {
        "GOOGLE_" => {
            let set = |builder: GoogleCloudStorageBuilder, (key, value): (String, &String)| match key.parse()
            {
                Ok(key) => builder.with_config(key, value),
                Err(_) => builder,
            };
            let builder = settings.fold(GoogleCloudStorageBuilder::new(), set);
            Arc::new(builder.with_bucket_name(bucket).with_retry(retry).build()?)
        }
        "AZURE_" => {
            let set = |builder: MicrosoftAzureBuilder, (key, value): (String, &String)| match key.parse() {
                Ok(key) => builder.with_config(key, value),
                Err(_) => builder,
            };
            let builder = settings.fold(MicrosoftAzureBuilder::new(), set);
            Arc::new(builder.with_container_name(bucket).with_retry(retry).build()?)
        }
        _ => {
            let set = |builder: AmazonS3Builder, (key, value): (String, &String)| match key.parse() {
                Ok(key) => builder.with_config(key, value),
                Err(_) => builder,
            };
            let builder = settings.fold(AmazonS3Builder::new(), set);
            Arc::new(builder.with_bucket_name(bucket).with_retry(retry).build()?)
        }
    })
}
