import Foundation
import Testing

/// Applications as Debian packages them, copied where they may be edited.
@Suite(.lane) struct DebianApplicationTests {
  /// AWStats: one script of 20,000 lines with global variables, which reads its `lib` and `lang` in each request.
  @Test(
    .slow,
    .enabled(if: Products.perlHas("CGI::Compile", "CGI::Emulate::PSGI") && isThere("/usr/lib/cgi-bin/awstats.pl")))
  func awstatsTakesItsFormAndShowsWhatWasEdited() throws {
    let site = try Site(["app.psgi": "", "access.log": accessLog])
    try copy("/usr/lib/cgi-bin/awstats.pl", to: site.absolute("cgi-bin/awstats.pl"))
    for directory in ["lib", "lang", "plugins"] {
      try copy("/usr/share/awstats/\(directory)", to: site.absolute("cgi-bin/\(directory)"))
    }
    // Outside of what is watched: its database.
    try site.write(
      "cgi-bin/awstats.conf",
      """
      LogFile="\(site.absolute("access.log"))"
      LogFormat=1
      SiteDomain="example.org"
      DirData="\(site.notes)"
      DNSLookup=0
      UseFramesWhenCGI=0

      """)
    let update = try Command.run(
      [Products.perl, site.absolute("cgi-bin/awstats.pl"), "-config=example.org", "-update"])
    #expect(update.end == .code(0), "\(update)")
    try site.write(
      "app.psgi",
      """
      use Plack::App::WrapCGI; use FindBin;
      Plack::App::WrapCGI->new(script => "$FindBin::Bin/cgi-bin/awstats.pl")->to_app;
      """)
    try site.serve { server in
      func report(_ month: Int) throws -> String {
        try server.text("/?config=example.org&month=\(month)&year=2026&databasebreak=month")
      }
      let first = try report(11)
      #expect(first.contains("<form name=\"FormDateFilter\"") && first.contains("oyster.html"), "\(first)\n\(server)")
      // What another month is asked for by the form has nothing left of this one, in the same worker.
      for _ in 0..<4 { #expect(try !report(10).contains("oyster.html"), "\(server)") }
      try site.edit("cgi-bin/lib/browsers.pm", "'firefox','Firefox'", "'firefox','The Fox'")
      for _ in 0..<4 { #expect(try report(11).contains("The Fox"), "\(server)") }
      try site.edit("cgi-bin/lang/awstats-en.txt", "Reported period", "Period of the report")
      for _ in 0..<4 { #expect(try report(11).contains("Period of the report"), "\(server)") }
      try site.edit("cgi-bin/awstats.pl", "name=\\\"FormDateFilter\\\"", "name=\\\"Dates\\\"")
      for _ in 0..<4 { #expect(try report(11).contains("<form name=\"Dates\""), "\(server)") }
    }
  }

  private let accessLog = ["oyster", "pearl"].map {
    "192.0.2.1 - - [10/Nov/2026:13:55:36 +0000] \"GET /\($0).html HTTP/1.1\" 200 2326 \"-\" "
      + "\"Mozilla/5.0 (X11; Linux x86_64; rv:102.0) Gecko/20100101 Firefox/102.0\"\n"
  }.joined()

  /// LemonLDAP::NG's portal: 165 modules, Mouse, plugins that are loaded by name; somebody logs in.
  @Test(
    .slow,
    .enabled(
      if: Products.perlHas("Lemonldap::NG::Portal", "Image::Magick", "GD::SecurityImage", "MIME::Entity")
        && isThere("/var/lib/lemonldap-ng/conf/lmConf-1.json")))
  func lemonLDAPLogsInAndShowsWhatWasEdited() throws {
    let site = try Site(["lemonldap-ng.ini": ""], include: ["lib"])
    try copy("/usr/share/perl5/Lemonldap", to: site.absolute("lib/Lemonldap"))
    try copy("/usr/share/lemonldap-ng/portal/templates", to: site.absolute("portal/templates"))
    try copy("/usr/share/lemonldap-ng/portal/htdocs/index.psgi", to: site.absolute("portal/htdocs/index.psgi"))
    for (file, from) in [
      ("conf/lmConf-1.json", "/var/lib/lemonldap-ng/conf/lmConf-1.json"),
      ("lemonldap-ng.ini", "/etc/lemonldap-ng/lemonldap-ng.ini"),
    ] {
      try site.write(
        file,
        contents(of: from).replacing("/usr/share/lemonldap-ng/portal", with: site.absolute("portal"))
          .replacing("/var/lib/lemonldap-ng/conf", with: site.absolute("conf"))
          .replacing("/var/lib/lemonldap-ng", with: site.notes + "/state")
          // The name by which the tests ask.
          .replacing("auth.example.com", with: "nacre.test"))
    }
    for directory in ["sessions/lock", "psessions/lock", "cache", "captcha", "notifications"] {
      try FileManager.default.createDirectory(
        atPath: "\(site.notes)/state/\(directory)", withIntermediateDirectories: true)
    }
    let options = ServerOptions(
      arguments: ["--watch", "portal/templates"], application: "portal/htdocs/index.psgi",
      variables: ["LLNG_DEFAULTCONFFILE": site.absolute("lemonldap-ng.ini")])
    try site.serve(options) { server in
      func form() throws -> String { try server.text() }
      func logIn(_ password: String) throws -> Response {
        let page = try form()
        let token = page.firstMatch(of: /name="token" value="([^"]+)"/).map { String($0.1) } ?? ""
        #expect(!token.isEmpty, "\(page)\n\(server)")
        return try server.ask(
          "POST", "/", headers: ["Content-Type: application/x-www-form-urlencoded"],
          body: Array("user=dwho&password=\(password)&url=&timezone=0&token=\(token)".utf8))
      }
      #expect(try logIn("tardis").status == 200, "\(server)")
      let answer = try logIn("dwho")
      #expect(answer.status == 302, "\(answer.text)\n\(server)")
      let cookie = try #require(answer["Set-Cookie"]?.split(separator: ";").first)
      func expectSession() throws {
        for _ in 0..<4 {
          let menu = try server.ask("GET", "/", headers: ["Cookie: \(cookie)"]).text
          #expect(menu.contains("Connected as</span> dwho"), "\(menu)\n\(server)")
        }
      }
      try expectSession()
      // A plugin that is loaded by its name. Who is logged in stays so.
      try site.edit(
        "lib/Lemonldap/NG/Portal/Auth/Demo.pm", "$req->{user} eq $req->data->{password}",
        "$req->data->{password} eq 'tardis'")
      #expect(try logIn("dwho").status == 200, "\(server)")
      #expect(try logIn("tardis").status == 302, "\(server)")
      try expectSession()
      try site.edit("portal/templates/bootstrap/header.tpl", "<head>", "<head><!-- edited -->")
      for _ in 0..<4 { #expect(try form().contains("<!-- edited -->"), "\(server)") }
    }
  }
}

private func isThere(_ file: String) -> Bool { FileManager.default.isReadableFile(atPath: file) }

private func copy(_ file: String, to target: String) throws {
  try FileManager.default.createDirectory(
    atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
  try FileManager.default.copyItem(atPath: file, toPath: target)
}
