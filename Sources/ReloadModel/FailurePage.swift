/// A failure report as a page of its own: nothing is fetched from elsewhere, everything is escaped, and without scripts
/// nothing is missing but the comfort.
public struct FailurePage: Equatable, Sendable {
  /// How the page learns that the code has changed.
  public struct Stream: Equatable, Sendable {
    /// The path of the stream of events.
    public var path: String
    /// What the stream says while this page is the answer.
    public var state: String

    /// Makes a description of a stream.
    public init(path: String, state: String) {
      self.path = path
      self.state = state
    }
  }

  /// What the page tells.
  public let report: FailureReport
  /// Nil for a page that does not reload itself.
  public let stream: Stream?
  /// Whether the page answers a request that must not be repeated unasked (a form was sent).
  public let isForm: Bool
  /// Marks the page's own script and style, letters and digits that nobody can guess; nil without a policy.
  public let nonce: String?

  /// Makes a page.
  public init(_ report: FailureReport, stream: Stream? = nil, isForm: Bool = false, nonce: String? = nil) {
    self.report = report
    self.stream = stream
    self.isForm = isForm
    self.nonce = nonce
  }

  /// The Content-Security-Policy under which a page with this nonce works: its own script and style, and its stream.
  public static func policy(nonce: String) -> String {
    "default-src 'none'; script-src 'nonce-\(nonce)'; style-src 'nonce-\(nonce)'; img-src data:; "
      + "connect-src 'self'; base-uri 'none'; form-action 'none'"
  }

  /// The page.
  public var html: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>\(HTML.escape(title))</title>
    <link rel="icon" href="\(Self.icon)">
    <style\(mark)>\(Self.style)</style>
    </head>
    <body\(attributes)>
    <main>
    \(header)
    \(source)\(further)\(chain)\(advice)\(footer)</main>
    \(stream == nil ? "" : "<script\(mark)>\(Self.script)</script>\n")</body>
    </html>

    """
  }

  private var mark: String { nonce.map { " nonce=\"\($0)\"" } ?? "" }

  private var attributes: String {
    guard let stream else { return "" }
    return " data-stream=\"\(HTML.escape(stream.path))\" data-state=\"\(HTML.escape(stream.state))\""
      + (isForm ? " data-form" : "")
  }

  private var title: String {
    [sentence.headline, report.scene.short(report.place ?? "")].filter { !$0.isEmpty }.joined(separator: " – ")
  }

  // MARK: What happened

  /// What happened: perl's own words if it died, ours otherwise.
  private var sentence: (headline: String, rest: [String]) {
    guard report.failure.cause == .died, var lines = report.problems.first?.lines, !lines.isEmpty else {
      return (report.headline(showing: report.scene.short), [])
    }
    let first = lines.removeFirst()
    // Perl lists @INC in the same line; who looks for a name does not look for that.
    guard let at = Diagnosis.lastIndex(of: " (@INC ", in: Array(first.utf8)[...]) else { return (first, lines) }
    let start = first.utf8.index(first.startIndex, offsetBy: at)
    return (String(first[..<start]), [first[start...].trimmed()] + lines)
  }

  private var header: String {
    let scene = report.scene
    let kicker =
      report.failure.cause == .died
      ? report.headline(showing: scene.short) : "Generation \(report.generation) did not load."
    let time = scene.time.map { "<time>\(HTML.escape($0))</time>" } ?? ""
    let (headline, rest) = sentence
    var html = "<p class=\"kicker\"><span>\(HTML.escape(kicker))</span> \(time)</p>\n"
    html += "<h1\(headline.count > 120 ? " class=\"long\"" : "")>\(HTML.escape(headline))</h1>\n"
    if !rest.isEmpty { html += "<pre class=\"said\">\(HTML.escape(rest.joined(separator: "\n")))</pre>\n" }
    if let place = report.place { html += "<p class=\"place\">\(path(place))\(copyButton(place))</p>\n" }
    return html
  }

  /// What perl says besides, each with its line.
  private var further: String {
    let first = report.failure.cause == .died ? 1 : 0
    let items = report.problems.dropFirst(first).map { problem in
      var item = HTML.escape(problem.lines.first ?? "")
      if report.failure.cause == .notAnApplication { item = "It returned <code>\(item)</code>." }
      if let place = problem.place { item = "\(link(to: place)) \(item)" }
      let more = problem.lines.dropFirst()
      if !more.isEmpty { item += "\n<pre>\(HTML.escape(more.joined(separator: "\n")))</pre>" }
      return "<li>\(item)</li>\n"
    }
    return items.isEmpty ? "" : "<ul class=\"further\">\n\(items.joined())</ul>\n"
  }

  private func link(to place: LoadFailure.Step) -> String {
    let isShown = report.scene.excerpt?.lines.contains { $0.number == Int(place.line) } ?? false
    guard place.file == report.failure.file else { return "<code>\(path("\(place.file):\(place.line)"))</code>" }
    return isShown ? "<a href=\"#L\(place.line)\">line \(place.line)</a>" : "<span>line \(place.line)</span>"
  }

  // MARK: Where

  private var source: String {
    guard let excerpt = report.scene.excerpt else { return "" }
    var html = "<div class=\"source\" tabindex=\"0\" role=\"region\" aria-label=\"source\"><div>\n"
    for (index, line) in excerpt.lines.enumerated() {
      if index > 0, excerpt.lines[index - 1].number + 1 < line.number { html += "<p class=\"gap\">⋯</p>\n" }
      let mark =
        switch line.mark {
        case .none: ""
        case .place: " class=\"here\" aria-current=\"true\""
        case .further: " class=\"also\""
        }
      html += "<p id=\"L\(line.number)\"\(mark)><span>\(line.number)</span> "
      html += "<code>\(HTML.escape(line.text))</code></p>\n"
    }
    return html + "</div></div>\n"
  }

  /// The way there, the application first.
  private var chain: String {
    let steps = report.failure.chain
    guard steps.count > 1 else { return "" }
    var html = "<h2>How perl came here</h2>\n<ol class=\"chain\">\n"
    for step in steps {
      let text = report.scene.lines[step].map { " <code>\(HTML.escape($0))</code>" } ?? ""
      let place = step.line > 0 ? "\(step.file):\(step.line)" : step.file
      html += "<li>\(path(place))\(text)</li>\n"
    }
    return html + "</ol>\n"
  }

  /// A path whose directory is there for whoever copies it, and takes no room.
  private func path(_ place: String) -> String {
    let short = report.scene.short(place)
    let directory = place.dropLast(short.count)
    return "<span class=\"path\">" + (directory.isEmpty ? "" : "<span>\(HTML.escape(String(directory)))</span>")
      + "\(HTML.escape(short))</span>"
  }

  private func copyButton(_ place: String) -> String {
    stream == nil ? "" : "<button type=\"button\" data-copy=\"\(HTML.escape(place))\" hidden>copy path</button>"
  }

  // MARK: What now

  private var advice: String {
    "<h2>What now</h2>\n<p>\(HTML.escape(report.remedy)). \(HTML.escape(kept))</p>\n"
  }

  private var kept: String {
    let since = report.scene.runningSince.map { ", running since \($0)," } ?? ""
    return switch report.meanwhile {
    case .serves(let generation): "Generation \(generation)\(since) keeps running."
    case .answersWithReport(let generation?):
      "Generation \(generation)\(since) is kept: put the old content back, and it answers again at once."
    case .answersWithReport(nil): "No generation has loaded yet."
    case .leaves, .leavesToOther, .triesAgain: report.standing
    }
  }

  private var footer: String {
    let buttons =
      isForm && stream != nil
      ? " <span id=\"form\" hidden><button type=\"button\" id=\"again\">send the form again</button> "
        + "<button type=\"button\" id=\"anew\">open this address</button></span>" : ""
    return "<footer><p id=\"note\" aria-live=\"polite\">Reload this page when you have saved.</p>\(buttons)"
      + "<p>Nacre · generation \(report.generation) rejected</p></footer>\n"
  }
}

extension FailureReport {
  /// The report as a page that does not reload itself.
  public var html: String { FailurePage(self).html }
}

/// What HTML demands of text.
enum HTML {
  /// Text in which nothing is markup, in elements and in quoted attributes.
  static func escape(_ text: String) -> String {
    var escaped = ""
    escaped.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      // Control characters are not allowed in HTML; a message may hold any (a binary file, an escape sequence).
      case "\u{0}"..<"\u{9}", "\u{b}", "\u{c}", "\u{e}"..<"\u{20}", "\u{7f}"..<"\u{a0}": escaped += "\u{fffd}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
