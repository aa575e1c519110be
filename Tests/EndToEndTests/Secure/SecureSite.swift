import Foundation
import Testing

/// How a client reaches a server.
enum Way: String, CaseIterable, Sendable {
  case tcp, unix
  case tls = "TLS"
  case http2 = "HTTP/2"
  case http2InTheClear = "HTTP/2 in clear text"

  /// Whether the client speaks TLS.
  var isSecure: Bool { self == .tls || self == .http2 }
  /// Whether the client speaks HTTP/2.
  var isHTTP2: Bool { self == .http2 || self == .http2InTheClear }

  /// Options of nacre.
  var serverArguments: [String] {
    switch self {
    case .tcp, .unix: []
    case .tls, .http2: ["--tls-cert", "cert.pem", "--tls-key", "key.pem"]
    case .http2InTheClear: ["--http2-cleartext"]
    }
  }

  /// What `-l` says; none for the port.
  var listen: [String] { self == .unix ? ["app.sock"] : [] }

  /// Options of curl.
  var curl: [String] {
    switch self {
    case .tcp: ["--http1.1"]
    case .unix: ["--http1.1", "--unix-socket", "app.sock"]
    case .tls: ["--http1.1", "--cacert", "cert.pem"]
    case .http2: ["--http2", "--cacert", "cert.pem"]
    case .http2InTheClear: ["--http2-prior-knowledge"]
    }
  }

  /// A server's options with which clients can come this way.
  func options(environment: String = "development", workers: Int = 2) -> ServerOptions {
    var options = ServerOptions(environment: environment, workers: workers)
    options.arguments = serverArguments
    options.listen = listen
    return options
  }
}

extension Site {
  /// Makes a certificate of its own for 127.0.0.1.
  func makeCertificate(_ certificate: String = "cert.pem", key: String = "key.pem") throws {
    let run = try Command.run(
      [
        "/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", absolute(key), "-out", absolute(certificate), "-days", "10", "-subj", "/CN=\(certificate)",
        "-addext", "subjectAltName=IP:127.0.0.1",
      ], directory: path)
    guard run.end == .code(0) else { throw Stuck("openssl made no certificate: \(run.errors)") }
  }
}

extension Server {
  /// Has curl ask for something; its output is the response's body.
  func curl(_ way: Way, _ path: String = "/", _ arguments: [String] = [], within seconds: Double = 60) throws -> Command
  {
    try Command.run(
      ["/usr/bin/curl", "-sS"] + way.curl + arguments + [
        "\(way.isSecure ? "https" : "http")://127.0.0.1:\(port)\(path)"
      ],
      directory: site.path, within: seconds)
  }
}
