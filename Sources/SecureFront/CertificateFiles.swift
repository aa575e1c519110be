import Glibc
import NIOSSL
import Switchboard

/// The files that `--tls-cert` and `--tls-key` name, absolute. One file may hold both.
public struct CertificateFiles: Equatable, Sendable {
  /// The server's certificate in PEM, first, and behind it those of the authorities in between.
  public var certificate: String
  /// The private key in PEM, without a passphrase.
  public var key: String

  /// The certificate and the key are in these files.
  public init(certificate: String, key: String) { (self.certificate, self.key) = (certificate, key) }
}

/// Why a certificate cannot be used: one sentence that names the file.
public struct CertificateError: Error, Equatable, CustomStringConvertible {
  /// The sentence, without a full stop.
  public var description: String
}

/// A certificate with its key, as new connections use it.
struct Certificate {
  let context: NIOSSLContext
  /// What a person should know: that it has expired, or is not valid yet.
  let warning: String?

  /// Reads the files. Now is `time`, in seconds since the epoch.
  init(_ files: CertificateFiles, time: Int = Glibc.time(nil)) throws(CertificateError) {
    let chain = try Self.chain(files.certificate)
    let key = try Self.key(files.key)
    var settings = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    settings.minimumTLSVersion = .tlsv12
    settings.applicationProtocols = ["h2", "http/1.1"]
    do {
      context = try NIOSSLContext(configuration: settings)
    } catch {
      throw CertificateError(
        description: "the private key in \(files.key) does not belong to the first certificate in \(files.certificate)")
    }
    warning = Self.warning(chain[0], files.certificate, time)
  }

  private static func chain(_ file: String) throws(CertificateError) -> [NIOSSLCertificate] {
    let bytes = try read(file, "certificate")
    guard let chain = try? NIOSSLCertificate.fromPEMBytes(bytes), !chain.isEmpty else {
      throw CertificateError(
        description: "\(file) holds no certificate in PEM form (-----BEGIN CERTIFICATE-----), or a damaged one")
    }
    return chain
  }

  private static func key(_ file: String) throws(CertificateError) -> NIOSSLPrivateKey {
    let bytes = try read(file, "private key")
    // A key with a passphrase would have BoringSSL ask for it on the terminal.
    let text = String(decoding: bytes, as: UTF8.self)
    guard !text.contains("BEGIN ENCRYPTED PRIVATE KEY"), !text.contains("Proc-Type: 4,ENCRYPTED") else {
      throw CertificateError(
        description: "the private key in \(file) has a passphrase, which nobody could type in at a reload; "
          + "openssl pkey -in \(file) writes it without one")
    }
    guard let key = try? NIOSSLPrivateKey(bytes: bytes, format: .pem) else {
      throw CertificateError(
        description: "\(file) holds no private key in PEM form (-----BEGIN PRIVATE KEY-----), or a damaged one")
    }
    return key
  }

  private static func read(_ file: String, _ what: String) throws(CertificateError) -> [UInt8] {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(file, what, errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(file, what, errno) }
      // Nobody's certificate is longer; the file may be anything.
      guard count > 0, bytes.count < 1 << 20 else { return bytes }
      bytes += buffer[..<count]
    }
  }

  private static func unreadable(_ file: String, _ what: String, _ code: Int32) -> CertificateError {
    CertificateError(description: "the \(what) \(file) cannot be read: \(SystemError.reason(code))")
  }

  private static func warning(_ certificate: NIOSSLCertificate, _ file: String, _ time: Int) -> String? {
    if certificate.notValidAfter < time {
      return "the certificate in \(file) has expired (\(date(certificate.notValidAfter))): clients will refuse it"
    }
    if certificate.notValidBefore > time {
      return
        "the certificate in \(file) is not valid yet (from \(date(certificate.notValidBefore)) on): clients will refuse it"
    }
    return nil
  }

  /// `2026-11-30 16:05 UTC`.
  private static func date(_ time: time_t) -> String {
    var (time, fields) = (time, tm())
    gmtime_r(&time, &fields)
    var text = [CChar](repeating: 0, count: 64)
    let count = strftime(&text, text.count, "%Y-%m-%d %H:%M UTC", &fields)
    return String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
