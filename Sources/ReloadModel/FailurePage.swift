extension FailureReport {
  /// The report as a page of its own: no scripts, nothing fetched from elsewhere, everything escaped.
  public var html: String {
    var body = "<h1>\(Self.escape(headline))</h1>\n"
    if let place { body += "<p class=\"place\">\(Self.escape(place))</p>\n" }
    if !messageLines.isEmpty {
      body += "<pre>\(Self.escape(messageLines.joined(separator: "\n")))</pre>\n"
    }
    if !usedFrom.isEmpty {
      body += "<ol>\n" + usedFrom.map { "<li>\(Self.escape($0))</li>\n" }.joined() + "</ol>\n"
    }
    body += "<p>\(Self.escape(remedy)). \(Self.escape(standing))</p>\n"
    body += "<footer>Nacre, generation \(generation) rejected. Reload this page after you have saved.</footer>\n"
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(Self.escape(headline))</title>
      <style>\(Self.style)</style>
      </head>
      <body>
      <main>
      \(body)</main>
      </body>
      </html>

      """
  }

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

  private static let style = """
    :root{color-scheme:light dark}\
    body{margin:0;font:1rem/1.5 system-ui,sans-serif;background:Canvas;color:CanvasText}\
    main{max-width:60rem;margin:3rem auto;padding:0 1.5rem}\
    h1{font-size:1.4rem;line-height:1.3;border-left:.4rem solid #c2410c;padding-left:.8rem;overflow-wrap:anywhere}\
    .place{font-family:ui-monospace,monospace;font-weight:600;overflow-wrap:anywhere}\
    pre{font:.9rem/1.5 ui-monospace,monospace;padding:1rem;overflow-x:auto;white-space:pre-wrap;\
    overflow-wrap:anywhere;background:rgba(127,127,127,.12);border-radius:.4rem}\
    ol{list-style:none;padding-left:.8rem;font-family:ui-monospace,monospace;font-size:.85rem}\
    footer{margin-top:2rem;font-size:.8rem;opacity:.7}
    """
}
