//! Certificates of a test authority, which no system trusts.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicUsize, Ordering},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

#[derive(Debug)]
pub struct Certificates {
    directory: PathBuf,
}

impl Certificates {
    /// Makes certificates for this machine's own name and address, and for another name.
    ///
    /// # Panics
    ///
    /// They cannot be written.
    #[must_use]
    pub fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = env::temp_dir().join(format!("sse-tls-{}-{number}", process::id()));
        fs::create_dir_all(&directory).unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // An authority with the name of its certificate would be mistaken for it.
        params.distinguished_name.push(DnType::CommonName, "authority");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        fs::write(directory.join("authority"), issuer.pem()).unwrap();
        for (file, names) in [("own", &["localhost", "127.0.0.1"][..]), ("other", &["other.test"])]
        {
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(names).unwrap();
            let certificate = params.signed_by(&key, &issuer).unwrap();
            fs::write(directory.join(file), certificate.pem()).unwrap();
            fs::write(directory.join(format!("{file}.key")), key.serialize_pem()).unwrap();
        }
        Self { directory }
    }

    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The arguments for a server that speaks TLS with one of the certificates in this directory. This
/// program gets a provider of cryptography, as the hub chooses none.
#[must_use]
pub fn tls_args(directory: &Path, certificate: &str) -> Vec<String> {
    // Another test may have been quicker.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let file = |name: &str| directory.join(name).display().to_string();
    let key = file(&format!("{certificate}.key"));
    [
        ["--tls-cert-file", &file(certificate)],
        ["--tls-key-file", &key],
        ["--tls-ca-cert-file", &file("authority")],
        ["--tls-auth-clients", "no"],
    ]
    .concat()
    .into_iter()
    .map(ToString::to_string)
    .collect()
}
