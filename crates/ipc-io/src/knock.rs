//! Coming in at the launcher's named socket.

use std::io;
use std::path::Path;
use std::time::Duration;

use interprocess::ConnectWaitMode;
use interprocess::local_socket::traits::{Stream as _, StreamCommon as _};
use interprocess::local_socket::{ConnectOptions, GenericFilePath, ToFsName as _};
use interprocess::os::unix::uds_local_socket::Stream;
use ipc_schema::CAP_CONTROL;
use ipc_schema::control::{Knock, Report};

use crate::{Caps, Client, Lost, PathError, socket_path};

/// Why nobody opened.
#[derive(Debug, thiserror::Error)]
pub enum KnockError {
    /// No launcher runs for this data folder.
    #[error("sotto is not running for this data folder")]
    NotRunning,
    /// There is no place for the socket.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Something of another user answers at the socket.
    #[error("another user's program answers at the socket of this data folder")]
    Foreign,
    /// The launcher hung up, or did not answer in time.
    #[error("the launcher did not answer: {0}")]
    Lost(#[from] Lost),
    /// The connection could not be made.
    #[error("the launcher cannot be reached ({0})")]
    Io(io::ErrorKind),
}

/// Connects to the launcher of a data folder and says `knock`. After [`Knock::Enter`] the
/// connection is `secure-proc`'s, and speaks `ipc-schema-ui`.
///
/// # Errors
/// As [`KnockError`] says.
pub fn knock(data: &Path, knock: &Knock) -> Result<Client, KnockError> {
    let path = match socket_path(data) {
        Err(PathError::Data(_)) => return Err(KnockError::NotRunning),
        path => path?,
    };
    let name = path.as_path().to_fs_name::<GenericFilePath>().map_err(|e| KnockError::io(&e))?;
    let options = ConnectOptions::new().name(name).wait_mode(ConnectWaitMode::Timeout(PATIENCE));
    let stream = Stream::from_options(&options).map_err(|error| KnockError::connect(&error))?;
    let peer = stream.peer_creds().map_err(|error| KnockError::io(&error))?;
    if peer.euid() != Some(rustix::process::getuid().as_raw()) {
        return Err(KnockError::Foreign);
    }
    let caps = match knock {
        Knock::Enter { .. } => Caps::UI_TO_SECURE,
        Knock::Status | Knock::Show | Knock::Stop => ANSWERED,
    };
    let mut client = Client::from_fd(stream.into(), caps).map_err(|e| KnockError::io(&e))?;
    client.send(&ipc_schema::encode(knock).map_err(|_| Lost::Malformed)?)?;
    Ok(client)
}

/// Says a knock that is answered by a report.
///
/// # Errors
/// As [`KnockError`] says.
pub fn ask(data: &Path, knock: &Knock) -> Result<Report, KnockError> {
    let mut client = self::knock(data, knock)?;
    let frame = client.recv(Some(PATIENCE))?.ok_or(Lost::Stalled)?;
    Ok(ipc_schema::decode(&frame).map_err(|_| Lost::Malformed)?)
}

impl KnockError {
    fn connect(error: &io::Error) -> Self {
        let kind = error.kind();
        if kind == io::ErrorKind::NotFound || kind == io::ErrorKind::ConnectionRefused {
            Self::NotRunning
        } else {
            Self::Io(kind)
        }
    }

    fn io(error: &io::Error) -> Self {
        Self::Io(error.kind())
    }
}

const PATIENCE: Duration = Duration::from_secs(10);
const ANSWERED: Caps =
    Caps { inbound: CAP_CONTROL, outbound: CAP_CONTROL, max_queue: 4 * CAP_CONTROL };
