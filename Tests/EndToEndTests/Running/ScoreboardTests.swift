import Foundation
import Testing

/// More workers at a time than the scoreboard has cells: those of the older generations end what they have begun.
@Suite(.lane, .serialized) struct ScoreboardTests {
  @Test(.slow) func reloadWithoutAFreeCellIsRejectedAndSaysSo() throws {
    let site = try Site([
      "app.psgi": """
      my $notes = $ENV{NOTES};
      sub {
        if ($_[0]{PATH_INFO} eq '/held') {
          open my $mark, '>', "$notes/held-$$" or die $!;
          select undef, undef, undef, 0.5 until -e "$notes/go";
        }
        [200, [], ['version 1']];
      }
      """
    ])
    var options = ServerOptions.production
    options.workers = 250
    options.variables = ["NOTES": site.notes]
    options.arguments = ["--reload", "manual", "--drain", "600"]
    try site.serve(options) { server throws in
      var clients: [Connection] = []
      for generation in 1...4 {
        for _ in 1...250 {
          let client = try server.connect()
          try client.request("GET", "/held")
          clients.append(client)
        }
        let areHeld = try eventually(within: 120) {
          try FileManager.default.contentsOfDirectory(atPath: site.notes).filter { $0.hasPrefix("held-") }.count
            == 250 * generation
        }
        #expect(areHeld, "\(server)")
        try site.edit("app.psgi", "version \(generation)", "version \(generation + 1)")
        let answer = try server.control("POST", "/v1/reload")
        if generation < 4 {
          #expect(answer.status == 200, "\(answer)")
        } else {
          #expect(answer.text.contains("no cell of the scoreboard is free"), "\(answer)")
        }
      }
      try site.write(site.notes + "/go", "")
      for client in clients { #expect(try client.response().status == 200) }
      #expect(try server.text() == "version 4")
      #expect(try eventually { try server.control("POST", "/v1/reload").status == 200 }, "\(server)")
      #expect(try server.text() == "version 5")
    }
  }
}
