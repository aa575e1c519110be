import ArgumentParser
import SecureFront
import Supervision

/// TLS and HTTP/2.
struct TLSOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Speak TLS, with the certificate (and its chain) in this PEM file; where, see -l.", valueName: "FILE"))
  var tlsCert: String?

  @Option(
    help: ArgumentHelp("The private key in PEM; without it, it is in the certificate's file.", valueName: "FILE"))
  var tlsKey: String?

  @Flag(
    name: .customLong("http2-cleartext"),
    help: "Take HTTP/2 without TLS, too, from clients that begin with it (prior knowledge).")
  var http2Cleartext = false

  /// Starman's word for what a certificate alone says here.
  @Flag(name: .customLong("enable-ssl"), help: .hidden)
  var enableSSL = false

  /// The files, absolute; nil without TLS.
  var files: CertificateFiles? {
    tlsCert.map { CertificateFiles(certificate: absolute($0), key: absolute(tlsKey ?? $0)) }
  }

  /// What speaks for clients of TLS and HTTP/2; nil if there are none.
  func front() throws(StartupError) -> SecureFront? {
    if tlsCert == nil, enableSSL || tlsKey != nil {
      let name = enableSSL ? "--enable-ssl" : "--tls-key"
      throw StartupError("\(name) needs a certificate: --tls-cert FILE.", isUsage: true)
    }
    guard files != nil || http2Cleartext else { return nil }
    do {
      return try SecureFront(files)
    } catch { throw StartupError("\(error).") }
  }
}
