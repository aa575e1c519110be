import Testing

/// DBI with SQLite: database files lie in the application's directory and change in each request.
@Suite(.lane) struct DatabaseTests {
  private let store = """
    package My::Store;
    use strict; use warnings;
    use DBI; use FindBin;
    sub dbh { DBI->connect_cached("dbi:SQLite:dbname=$FindBin::Bin/app.db", '', '', { RaiseError => 1 }) }
    sub count {
      my $dbh = dbh();
      $dbh->do("PRAGMA journal_mode=$ENV{JOURNAL}");
      $dbh->do('CREATE TABLE IF NOT EXISTS visits (at)');
      $dbh->do('INSERT INTO visits VALUES (1)');
      ($dbh->selectrow_array('SELECT count(*) FROM visits'))[0];
    }
    sub word { 'visit' }
    1;
    """

  @Test(arguments: ["DELETE", "WAL"]) func whatRequestsWriteToADatabaseReloadsNothing(journal: String) throws {
    let site = try Site([
      "app.psgi": Site.app(
        "My::Store->word . ($env->{PATH_INFO} eq '/' ? ' ' . My::Store->count : '')", using: "use My::Store;"),
      "lib/My/Store.pm": store,
    ])
    let options = ServerOptions(variables: ["JOURNAL": journal])
    try site.serve(options) { server in
      for number in 1...10 { #expect(try server.text() == "visit \(number)", "\(server)") }
      #expect(!server.log.contains("generation 2"), "\(server)")
      try site.edit("lib/My/Store.pm", "'visit'", "'guest'")
      try server.expectFresh("guest", at: "/word", options: options)
      for number in 11...14 { #expect(try server.text() == "guest \(number)", "\(server)") }
      #expect(!server.log.contains("generation 3"), "\(server)")
    }
  }

  @Test func databaseOpenedWhileTheApplicationLoadsIsReported() throws {
    let site = try Site([
      "app.psgi": Site.app(
        "$dbh->selectrow_array('SELECT word FROM words')",
        using: """
          use DBI; use FindBin;
          my $dbh = DBI->connect("dbi:SQLite:dbname=$FindBin::Bin/app.db", '', '', { RaiseError => 1 });
          $dbh->do('CREATE TABLE IF NOT EXISTS words (word)');
          $dbh->do("INSERT INTO words VALUES ('word')");
          """)
    ])
    try site.serve { server in
      let text = try server.text()
      #expect(text == "word", "\(server)")
      let said = "\(site.absolute("app.psgi")) opened the SQLite database \(site.absolute("app.db")) while it loaded"
      #expect(server.logs(said), "\(server)")
      #expect(server.log.contains("Connect in Nacre->on_worker_start or in the first request instead"), "\(server)")
    }
  }

  @Test func databaseThatIsClosedAgainIsNobodysConcern() throws {
    let site = try Site([
      "app.psgi": Site.app(
        "$word",
        using: """
          use DBI; use FindBin;
          my $word = do {
            my $dbh = DBI->connect("dbi:SQLite:dbname=$FindBin::Bin/app.db", '', '', { RaiseError => 1 });
            $dbh->do('CREATE TABLE IF NOT EXISTS words (word)');
            $dbh->do("INSERT INTO words VALUES ('word')");
            $dbh->selectrow_array('SELECT word FROM words');
          };
          """)
    ])
    try site.serve { server in
      let text = try server.text()
      #expect(text == "word", "\(server)")
      #expect(!server.log.contains("SQLite"), "\(server)")
    }
  }

  @Test func resultClassesOfASchemaChangeComeAndGo() throws {
    let site = try Site([
      "app.psgi": Site.app(
        "join ' ', (map { $_->label } $schema->resultset('Note')->all), sort $schema->sources",
        using: """
          use FindBin; use My::Schema;
          my $schema = My::Schema->connect("dbi:SQLite:dbname=$FindBin::Bin/app.db");
          {
            my $dbh = $schema->storage->dbh;
            $dbh->do('CREATE TABLE IF NOT EXISTS note (id integer primary key)');
            $dbh->do('INSERT OR REPLACE INTO note VALUES (1)');
          }
          $schema->storage->disconnect;
          """),
      "lib/My/Schema.pm": "package My::Schema; use base 'DBIx::Class::Schema'; __PACKAGE__->load_namespaces; 1;",
      "lib/My/Schema/Result/Note.pm": """
      package My::Schema::Result::Note;
      use base 'DBIx::Class::Core';
      __PACKAGE__->table('note');
      __PACKAGE__->add_columns('id');
      __PACKAGE__->set_primary_key('id');
      sub label { 'note ' . shift->id }
      1;
      """,
    ])
    try site.serve { server in
      try server.expectFresh("note 1 Note")
      try site.edit("lib/My/Schema/Result/Note.pm", "'note '", "'page '")
      try server.expectFresh("page 1 Note")
      let other = site.read("lib/My/Schema/Result/Note.pm").replacing("Note", with: "Tag")
      try site.write("lib/My/Schema/Result/Tag.pm", other)
      try server.expectFresh("page 1 Note Tag")
      try site.remove("lib/My/Schema/Result/Tag.pm")
      try server.expectFresh("page 1 Note")
    }
  }
}
