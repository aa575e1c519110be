import Foundation
import Testing

/// Template engines, with what they keep in memory and on disk.
@Suite(.lane) struct TemplateTests {
  /// Engines that keep compiled templates on disk compare times in whole seconds; so does a fresh start.
  private func awaitNextSecond() {
    let now = time(nil)
    _ = eventually(within: 5) { time(nil) > now }
  }

  /// Nothing that the engines have written may lead to anything, however often they are asked.
  private func expectRest(_ server: Server, at paths: [String]) throws {
    for path in paths { for _ in 0..<4 { _ = try server.text(path) } }
    let before = server.log
    for path in paths { for _ in 0..<6 { _ = try server.text(path) } }
    #expect(server.log == before, "\(server)")
  }

  @Test(.slow) func templateToolkitShowsWhatWasSaved() throws {
    let site = try Site([
      "app.psgi": """
      use Template; use FindBin;
      my %common = (INCLUDE_PATH => "$FindBin::Bin/templates", WRAPPER => 'wrapper.tt', STAT_TTL => 3600);
      my %engine = (
        '/memory' => Template->new(%common),
        '/named' => Template->new(%common, COMPILE_DIR => "$FindBin::Bin/cache/named", COMPILE_EXT => '.ttc'),
        '/alike' => Template->new(%common, COMPILE_DIR => "$FindBin::Bin/cache/alike"),
      );
      sub {
        my $engine = $engine{ $_[0]{PATH_INFO} };
        $engine->process('page.tt', {}, \\my $page) or return [500, [], [$engine->error]];
        [200, ['Content-Type' => 'text/plain'], [$page]];
      };
      """,
      "templates/page.tt": "page [% INCLUDE parts/one.tt %] [% PROCESS parts/two.tt; two -%]",
      "templates/parts/one.tt": "one", "templates/parts/two.tt": "[% two = 'two' -%]",
      "templates/wrapper.tt": "<[% content %]>",
    ])
    try site.serve { server in
      let paths = ["/memory", "/named", "/alike"]
      for path in paths { for _ in 0..<4 { try server.expectFresh("<page one two>", at: path) } }
      let edits = [("page.tt", "page"), ("parts/one.tt", "one"), ("parts/two.tt", "'two'"), ("wrapper.tt", "<")]
      let expected = ["<PAGE one two>", "<PAGE ONE two>", "<PAGE ONE TWO>", "[PAGE ONE TWO>"]
      for ((file, word), text) in zip(edits, expected) {
        awaitNextSecond()
        try site.edit("templates/" + file, word, word == "<" ? "[" : word.uppercased())
        for path in paths { for _ in 0..<2 { try server.expectFresh(text, at: path) } }
      }
      try site.write("templates/page.tt", "[% IF %]")
      #expect(try server.ask("GET", "/memory").status == 500, "\(server)")
      try site.write("templates/page.tt", "good")
      try server.expectFresh("[good>", at: "/memory")
      try expectRest(server, at: paths)
    }
  }

  @Test(.slow) func masonShowsWhatWasSaved() throws {
    let site = try Site([
      "app.psgi": """
      use HTML::Mason::Interp; use Mason; use FindBin;
      my $page;
      my $first = HTML::Mason::Interp->new(
        comp_root => "$FindBin::Bin/one", data_dir => "$FindBin::Bin/data/one", out_method => \\$page);
      my $second = Mason->new(comp_root => "$FindBin::Bin/two", data_dir => "$FindBin::Bin/data/two");
      sub {
        $page = '';
        if ($_[0]{PATH_INFO} eq '/page.html') { $first->exec('/page.html') }
        else { $page = $second->run('/page')->output }
        [200, ['Content-Type' => 'text/plain'], [$page]];
      };
      """,
      "one/page.html": "page <& part.mas &>", "one/part.mas": "part", "one/autohandler": "<<% $m->call_next %>>",
      "two/page.mc": "page <& /part.mi &>", "two/part.mi": "part",
    ])
    try site.serve { server in
      let paths = ["/page.html", "/page"]
      for _ in 0..<4 {
        try server.expectFresh("<page part>", at: "/page.html")
        try server.expectFresh("page part", at: "/page")
      }
      #expect(!server.log.contains("generation 2"), "compiled components are no source files\n\(server)")
      awaitNextSecond()
      for file in ["one/page.html", "two/page.mc"] { try site.edit(file, "page", "PAGE") }
      try server.expectFresh("<PAGE part>", at: "/page.html")
      try server.expectFresh("PAGE part", at: "/page")
      awaitNextSecond()
      for file in ["one/part.mas", "two/part.mi"] { try site.edit(file, "part", "PART") }
      try site.edit("one/autohandler", "<<", "auto <<")
      for _ in 0..<4 {
        try server.expectFresh("auto <PAGE PART>", at: "/page.html")
        try server.expectFresh("PAGE PART", at: "/page")
      }
      try expectRest(server, at: paths)
    }
  }

  @Test(.slow) func templatesThatAreNeverLookedAtAgainComeWithNewWorkers() throws {
    let site = try Site([
      "app.psgi": """
      use Text::Xslate; use HTML::Template; use FindBin;
      my $xslate = Text::Xslate->new(path => "$FindBin::Bin/templates", cache_dir => "$FindBin::Bin/cache");
      my $html;
      sub {
        $html ||= HTML::Template->new(filename => "$FindBin::Bin/templates/page.tmpl");
        [200, ['Content-Type' => 'text/plain'], [$xslate->render('page.tx'), $html->output]];
      };
      """,
      "templates/page.tx": ": include \"part.tx\"\n", "templates/part.tx": "xslate\n",
      "templates/page.tmpl": "<TMPL_INCLUDE NAME=\"part.tpl\">", "templates/part.tpl": "html",
    ])
    try site.serve { server in
      for _ in 0..<4 { try server.expectFresh("xslate\nhtml") }
      awaitNextSecond()
      try site.edit("templates/part.tx", "xslate", "XSLATE")
      for _ in 0..<4 { try server.expectFresh("XSLATE\nhtml") }
      try site.edit("templates/part.tpl", "html", "HTML")
      for _ in 0..<4 { try server.expectFresh("XSLATE\nHTML") }
      try expectRest(server, at: ["/"])
    }
  }
}
