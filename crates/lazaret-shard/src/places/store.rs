//! A prefix of an object store: S3 and what speaks like it, Google Cloud Storage, Azure.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path as FilePath, PathBuf};
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::client::HttpError;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{
    BackoffConfig, Error, GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions,
    PutPayload, RetryConfig,
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::error::PlaceError;
use super::folder::failed;
use super::name::ShardName;
use super::{IfThere, Listed, Listing};

/// Objects are read and written in parts of so many bytes; a larger object is written in several requests.
const PART_BYTES: usize = 8 << 20;

/// A prefix of an object store.
pub(super) struct Store {
    objects: Box<dyn ObjectStore>,
    prefix: Path,
    /// `s3://bucket`.
    address: String,
    /// The first letters of the variables that hold the store's credentials.
    variables: &'static str,
    runtime: Runtime,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Store {
    pub(super) fn new(
        scheme: &str,
        rest: &str,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, PlaceError> {
        let not_a_place = |why: &str| PlaceError::NotAPlace { why: why.to_owned() };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() || bucket.contains(['@', ':', '?', '#']) {
            let why = "a bucket's name comes after `://`, without a user, a password or a port; credentials and \
                       endpoints are given by environment variables";
            return Err(not_a_place(why));
        }
        let variables = match scheme {
            "s3" => "AWS_",
            "gs" => "GOOGLE_",
            "az" => "AZURE_",
            _ => {
                return Err(not_a_place(
                    "it begins with none of `s3://`, `gs://` and `az://`, and is no path",
                ));
            }
        };
        let prefix = Path::parse(prefix.trim_end_matches('/'))
            .map_err(|_error| not_a_place("its prefix has an empty part, `.` or `..`"))?;
        let address = format!("{scheme}://{bucket}");
        let objects = objects(scheme, bucket, environment).map_err(|_quotes_values| PlaceError::Store {
            name: address.clone(),
            what: "opened",
            why: format!("the environment variables `{variables}…` do not make a whole configuration"),
        })?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|_error| not_a_place("the system gives no means to wait for the network"))?;
        Ok(Self { objects, prefix, address, variables, runtime })
    }

    /// Returns the object's address, for people.
    pub(super) fn spoken(&self, name: &ShardName) -> String {
        format!("{}/{}", self.address, self.location(name))
    }

    pub(super) fn list(&self) -> Result<Listing, PlaceError> {
        let refused = |error| self.refused(&self.prefix, "listed", &error);
        let mut listing = Listing::default();
        let mut folders = vec![self.prefix.clone()];
        while let Some(folder) = folders.pop() {
            let found = self.runtime.block_on(self.objects.list_with_delimiter(Some(&folder)));
            let found = found.map_err(refused)?;
            for object in found.objects {
                self.list_object(&object, &mut listing)?;
            }
            for folder in found.common_prefixes {
                if folder.filename().is_some_and(|name| name.starts_with('.')) {
                    listing.not_entered.push(self.name(&folder)?);
                } else {
                    folders.push(folder);
                }
            }
        }
        if listing.files.is_empty() && !self.prefix.as_ref().is_empty() {
            // What was named may be an object itself.
            match self.runtime.block_on(self.objects.head(&self.prefix)) {
                Ok(object) => {
                    let name = ShardName::new(self.prefix.filename().unwrap_or_default())?;
                    listing.files.push(Listed { name, bytes: object.size });
                }
                Err(error) => return Err(refused(error)),
            }
        }
        Ok(listing)
    }

    fn list_object(&self, object: &ObjectMeta, listing: &mut Listing) -> Result<(), PlaceError> {
        // Some tools mark a folder with an empty object of its name.
        if object.location == self.prefix {
            return Ok(());
        }
        listing.files.push(Listed { name: self.name(&object.location)?, bytes: object.size });
        Ok(())
    }

    fn name(&self, location: &Path) -> Result<ShardName, PlaceError> {
        let parts = location.prefix_match(&self.prefix);
        let parts: Vec<String> = parts.into_iter().flatten().map(|part| part.as_ref().to_owned()).collect();
        ShardName::new(parts.join("/"))
    }

    fn location(&self, name: &ShardName) -> Path {
        // The prefix is the object itself when a single one was named.
        if self.prefix.filename() == Some(name.as_str()) && self.is_object(&self.prefix) {
            return self.prefix.clone();
        }
        name.as_str().split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }

    fn is_object(&self, location: &Path) -> bool {
        self.runtime.block_on(self.objects.head(location)).is_ok()
    }

    pub(super) fn has(&self, name: &ShardName) -> Result<bool, PlaceError> {
        let location = self.location(name);
        match self.runtime.block_on(self.objects.head(&location)) {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.refused(&location, "read", &error)),
        }
    }

    /// Copies an object to the local disk, part by part. Every part must be of the same version of the object.
    pub(super) fn fetch(&self, name: &ShardName) -> Result<(PathBuf, TempDir), PlaceError> {
        let location = self.location(name);
        let refused = |error| self.refused(&location, "read", &error);
        let folder = tempfile::tempdir().map_err(failed(&std::env::temp_dir(), "written"))?;
        let path = folder.path().join(name.last_part());
        let mut file = File::create(&path).map_err(failed(&path, "written"))?;
        let object = self.runtime.block_on(self.objects.head(&location)).map_err(refused)?;
        let mut at = 0;
        while at < object.size {
            let end = object.size.min(at + PART_BYTES as u64);
            let options = GetOptions {
                range: Some((at..end).into()),
                if_match: object.e_tag.clone(),
                ..GetOptions::default()
            };
            let part = self.runtime.block_on(async {
                let part = self.objects.get_opts(&location, options).await?;
                let is_same = part.meta.e_tag == object.e_tag && part.meta.size == object.size;
                Ok((is_same, part.bytes().await?))
            });
            let (is_same, bytes) = part.map_err(refused)?;
            if !is_same || bytes.len() as u64 != end - at {
                return Err(PlaceError::Changed { name: self.spoken(name) });
            }
            file.write_all(&bytes).map_err(failed(&path, "written"))?;
            at = end;
        }
        Ok((path, folder))
    }

    /// Writes a whole file to the store. Nothing is there under the name before all of it is.
    pub(super) fn put(&self, file: &FilePath, name: &ShardName, if_there: IfThere) -> Result<(), PlaceError> {
        let location = self.location(name);
        let mut parts = Parts::new(file)?;
        let first = parts.next_part()?;
        if first.len() == PART_BYTES {
            // No store makes the end of a write in parts depend on what is there.
            if if_there == IfThere::Refuse && self.has(name)? {
                return Err(PlaceError::Exists { name: self.spoken(name) });
            }
            return self.put_parts(&location, first, parts);
        }
        let payload = PutPayload::from(first);
        let put = |mode: PutMode| {
            let options = PutOptions::from(mode);
            self.runtime.block_on(self.objects.put_opts(&location, payload.clone(), options))
        };
        let mode = if if_there == IfThere::Refuse { PutMode::Create } else { PutMode::Overwrite };
        let result = match put(mode) {
            Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => {
                if self.has(name)? {
                    return Err(PlaceError::Exists { name: self.spoken(name) });
                }
                put(PutMode::Overwrite)
            }
            other => other,
        };
        result.map(|_put| ()).map_err(|error| self.refused(&location, "written", &error))
    }

    fn put_parts(&self, location: &Path, first: Vec<u8>, mut parts: Parts) -> Result<(), PlaceError> {
        let refused = |error| self.refused(location, "written", &error);
        self.runtime.block_on(async {
            let mut upload = self.objects.put_multipart(location).await.map_err(refused)?;
            let mut part = first;
            let sent = loop {
                if part.is_empty() {
                    break Ok(());
                }
                if let Err(error) = upload.put_part(part.into()).await {
                    break Err(refused(error));
                }
                part = match parts.next_part() {
                    Ok(part) => part,
                    Err(error) => break Err(error),
                };
            };
            match sent {
                Ok(()) => upload.complete().await.map(|_put| ()).map_err(refused),
                Err(error) => {
                    // The parts would be paid for until somebody finds them. If even that fails, the first error is
                    // the one to tell.
                    drop(upload.abort().await);
                    Err(error)
                }
            }
        })
    }

    /// Says in our words why the store refused: its own quote requests, with key names, signatures and tokens.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other error is told by what lies beneath it")]
    fn refused(&self, location: &Path, what: &'static str, error: &Error) -> PlaceError {
        let name = format!("{}/{location}", self.address);
        let name = name.trim_end_matches('/').to_owned();
        let credentials = format!("check the credentials in the environment variables `{}…`", self.variables);
        let why = match error {
            Error::NotFound { .. } => return PlaceError::NotFound { name },
            Error::AlreadyExists { .. } => return PlaceError::Exists { name },
            Error::Precondition { .. } | Error::NotModified { .. } => return PlaceError::Changed { name },
            Error::PermissionDenied { .. } => format!("the store does not permit it; {credentials}"),
            Error::Unauthenticated { .. } => format!("the store does not know who asks; {credentials}"),
            other => match cause(other) {
                Cause::Status(401 | 403) => format!("the store does not permit it; {credentials}"),
                Cause::Status(status) => format!("the store answers with the status {status}"),
                Cause::Transport => "the connection to the store failed; is it reachable?".to_owned(),
                Cause::Unknown => format!("the request could not be made; {credentials}"),
            },
        };
        PlaceError::Store { name, what, why }
    }
}

/// What lies beneath an error of a store.
enum Cause {
    Status(u16),
    Transport,
    Unknown,
}

fn cause(error: &Error) -> Cause {
    let mut found = Cause::Unknown;
    let mut next = error.source();
    while let Some(error) = next {
        if error.is::<HttpError>() || error.is::<std::io::Error>() {
            found = Cause::Transport;
        }
        // The status is kept in words alone.
        let text = error.to_string();
        let status = text.split_once("status code: ").and_then(|(_, rest)| rest.get(..3)?.parse().ok());
        if let Some(status) = status {
            return Cause::Status(status);
        }
        next = error.source();
    }
    found
}

/// Reads a file in parts.
struct Parts {
    file: File,
    path: PathBuf,
}

impl Parts {
    fn new(path: &FilePath) -> Result<Self, PlaceError> {
        let file = File::open(path).map_err(failed(path, "read"))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Returns the next part; empty at the end.
    fn next_part(&mut self) -> Result<Vec<u8>, PlaceError> {
        let mut part = Vec::new();
        let read = (&self.file).take(PART_BYTES as u64).read_to_end(&mut part);
        read.map_err(failed(&self.path, "read"))?;
        Ok(part)
    }
}

fn objects(
    scheme: &str,
    bucket: &str,
    environment: &BTreeMap<String, String>,
) -> Result<Box<dyn ObjectStore>, Error> {
    // Another part of the program may have chosen the same before; then there is nothing to do.
    drop(rustls::crypto::ring::default_provider().install_default());
    let retry = RetryConfig {
        backoff: BackoffConfig { max_backoff: Duration::from_secs(10), ..BackoffConfig::default() },
        max_retries: 5,
        retry_timeout: Duration::from_secs(120),
    };
    // Other variables may be called like a setting without its prefix, and one may even name another bucket.
    let settings = |prefix: &'static str| {
        let lower = environment.iter().map(|(key, value)| (key.to_ascii_lowercase(), value));
        lower.filter(move |(key, _)| key.starts_with(prefix))
    };
    Ok(match scheme {
        "gs" => {
            let mut builder = GoogleCloudStorageBuilder::new();
            for (key, value) in settings("google_") {
                builder =
                    key.parse().into_iter().fold(builder, |builder, key| builder.with_config(key, value));
            }
            Box::new(builder.with_bucket_name(bucket).with_retry(retry).build()?)
        }
        "az" => {
            let mut builder = MicrosoftAzureBuilder::new();
            for (key, value) in settings("azure_") {
                builder =
                    key.parse().into_iter().fold(builder, |builder, key| builder.with_config(key, value));
            }
            Box::new(builder.with_container_name(bucket).with_retry(retry).build()?)
        }
        _ => {
            let mut builder = AmazonS3Builder::new();
            for (key, value) in settings("aws_") {
                builder =
                    key.parse().into_iter().fold(builder, |builder, key| builder.with_config(key, value));
            }
            Box::new(builder.with_bucket_name(bucket).with_retry(retry).build()?)
        }
    })
}
