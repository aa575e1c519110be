import Foundation
import Glibc
import Testing

/// A headless Chromium, driven over its debugging pipe: what a person with a browser would see.
final class Browser {
  private let scratch: Scratch
  private let process: ChildProcess
  private let commands: Int32
  private let answers: Int32
  private var received: [UInt8] = []
  private var lastID = 0
  private var session = ""

  /// Whether a browser can be started here; nil if it can, otherwise why not.
  static let problem: String? = {
    guard Products.find("chromium") != nil else { return "there is no chromium in PATH" }
    do {
      let browser = try Browser()
      defer { browser.quit() }
      return try browser.evaluate("1 + 1") as? Int == 2 ? nil : "chromium cannot add"
    } catch {
      return "chromium does not start: \(error)"
    }
  }()

  /// Starts a browser with one empty page.
  init() throws {
    guard let program = Products.find("chromium") else { throw Stuck("there is no chromium") }
    scratch = try Scratch()
    let (input, output) = (scratch.path + "/commands", scratch.path + "/answers")
    guard mkfifo(input, 0o600) == 0, mkfifo(output, 0o600) == 0 else { throw Stuck("cannot make a FIFO") }
    // Opened for both directions, so that neither end waits for the other.
    commands = Glibc.open(input, O_RDWR | O_CLOEXEC)
    answers = Glibc.open(output, O_RDWR | O_CLOEXEC | O_NONBLOCK)
    let options = [
      "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-extensions",
      "--user-data-dir=\(scratch.path)/profile", "--remote-debugging-pipe", "about:blank",
    ]
    process = try ChildProcess(
      ["/bin/sh", "-c", "exec \"$@\" 3<\(input) 4>\(output)", "sh", program] + options, directory: scratch.path,
      environment: testEnvironment.merging(["HOME": scratch.path]) { $1 }, output: scratch.path + "/output",
      errors: scratch.path + "/errors")
    let targets = try call("Target.getTargets")["targetInfos"] as? [[String: Any]] ?? []
    guard let page = targets.first(where: { $0["type"] as? String == "page" })?["targetId"] as? String else {
      throw Stuck("chromium has no page")
    }
    session = try call("Target.attachToTarget", ["targetId": page, "flatten": true])["sessionId"] as? String ?? ""
  }

  deinit {
    quit()
    close(commands)
    close(answers)
  }

  /// Ends it.
  func quit() { process.killSession() }

  /// Goes to an address, as if it had been typed.
  func open(_ address: String) throws { _ = try call("Page.navigate", ["url": address]) }

  /// The text that the page shows, as a person reads it.
  func text() throws -> String { try evaluate("document.body ? document.body.innerText : ''") as? String ?? "" }

  /// Checks that the page shows a text before long. Nothing is done meanwhile but looking.
  func expectToShow(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    var seen = ""
    let shown = try eventually {
      seen = try self.text()
      return seen.contains(text)
    }
    #expect(shown, "the page does not show \(text), but:\n\(seen)", sourceLocation: sourceLocation)
  }

  /// The value of a JavaScript expression in the page.
  func evaluate(_ expression: String) throws -> Any? {
    let answer = try call("Runtime.evaluate", ["expression": expression, "returnByValue": true])
    return (answer["result"] as? [String: Any])?["value"]
  }

  /// Sends a command of the DevTools protocol and returns its result; empty where the page went away meanwhile.
  @discardableResult
  func call(_ method: String, _ parameters: [String: Any] = [:]) throws -> [String: Any] {
    lastID += 1
    var message: [String: Any] = ["id": lastID, "method": method, "params": parameters]
    if !session.isEmpty { message["sessionId"] = session }
    let bytes = [UInt8](try JSONSerialization.data(withJSONObject: message)) + [0]
    guard write(commands, bytes, bytes.count) == bytes.count else { throw Stuck("chromium takes no command") }
    while true {
      let answer = try nextMessage()
      if answer["id"] as? Int == lastID { return answer["result"] as? [String: Any] ?? [:] }
    }
  }

  private func nextMessage() throws -> [String: Any] {
    while true {
      if let end = received.firstIndex(of: 0) {
        defer { received.removeSubrange(...end) }
        return try JSONSerialization.jsonObject(with: Data(received[..<end])) as? [String: Any] ?? [:]
      }
      var entry = pollfd(fd: answers, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, 60_000) > 0 else {
        throw Stuck("chromium says nothing within 60 seconds:\n\(contents(of: scratch.path + "/errors").suffix(2000))")
      }
      var buffer = [UInt8](repeating: 0, count: 65_536)
      let count = read(answers, &buffer, buffer.count)
      if count > 0 { received += buffer[..<count] }
    }
  }
}
