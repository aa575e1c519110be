import Foundation
import Testing

/// Profiles and coverage are complete: workers run their `END` blocks, and nobody else writes into their files.
@Suite(.lane) struct ProfilerTests {
  private static let hasNYTProf = Products.perlHas("Devel::NYTProf::Data")
  private static let hasCover = Products.perlHas("Devel::Cover")

  private func site() throws -> Site {
    try Site([
      "app.psgi": """
      use Nacre; use Answer;
      Nacre->on_worker_start(sub { DB::enable_profile() }) if defined &DB::enable_profile && $ENV{NYTPROF} =~ /start=no/;
      sub { [200, [], [Answer::text()]] };
      """,
      "lib/Answer.pm": """
      package Answer;
      sub text { return helper('one') }
      sub helper { return $_[0] }
      1;
      """,
    ])
  }

  /// 5 requests, a reload of `Answer.pm`, 3 requests.
  private func work(_ site: Site, _ server: Server) throws {
    for _ in 0..<5 { #expect(try server.text() == "one", "\(server)") }
    try site.edit("lib/Answer.pm", "one", "two")
    for _ in 0..<3 { #expect(try server.text() == "two", "\(server)") }
  }

  /// What NYTProf itself reads in all profiles of a site: how many can be read to their end, and the calls of a sub.
  private func profiles(_ site: Site) throws -> (complete: Int, broken: Int, calls: Int) {
    let script = """
      use Devel::NYTProf::Data;
      my ($complete, $broken, $calls) = (0, 0, 0);
      for my $file (glob "$ARGV[0]/nytprof.*") {
        my $data = eval { Devel::NYTProf::Data->new({ filename => $file, quiet => 1 }) } or $broken++, next;
        $complete++;
        my $sub = $data->subname_subinfo_map->{'Answer::helper'};
        $calls += $sub->calls if $sub;
      }
      print "$complete $broken $calls";
      """
    let run = try Command.run([Products.perl, "-e", script, site.notes])
    let numbers = run.output.split(separator: " ").compactMap { Int($0) }
    guard numbers.count == 3 else { throw Stuck("\(run)") }
    return (numbers[0], numbers[1], numbers[2])
  }

  @Test(.enabled(if: hasNYTProf, "there is no Devel::NYTProf")) func workersProfilesAreComplete() throws {
    let site = try site()
    let variables = ["PERL5OPT": "-d:NYTProf", "NYTPROF": "addpid=1:file=\(site.notes)/nytprof"]
    try site.serve(ServerOptions(workers: 2, variables: variables)) { server throws in
      try work(site, server)
      // The profiler's file, which the loading process writes.
      #expect(server.log.contains("is open for writing"), "\(server)")
      #expect(server.log.contains("by cold start"), "\(server)")
    }
    let profiles = try profiles(site)
    #expect(profiles.complete == 4, "2 workers, twice")
    #expect(profiles.calls == 8)
  }

  @Test(.enabled(if: hasNYTProf, "there is no Devel::NYTProf")) func profilesThatBeginInTheWorkersLeaveRewindsAlone()
    throws
  {
    let site = try site()
    let variables = ["PERL5OPT": "-d:NYTProf", "NYTPROF": "start=no:addpid=1:file=\(site.notes)/nytprof"]
    try site.serve(ServerOptions(workers: 2, variables: variables)) { server throws in
      try work(site, server)
      #expect(server.log.contains("by rewind"), "\(server)")
      #expect(!server.log.contains("no checkpoint"), "\(server)")
    }
    #expect(try profiles(site) == (4, 0, 8))
  }

  @Test(.enabled(if: hasCover, "there is no Devel::Cover")) func coverageHasTheWorkersRequestsAndTheReloadedFile()
    throws
  {
    let site = try site()
    let database = site.notes + "/cover"
    let variables = ["PERL5OPT": "-MDevel::Cover=-db,\(database),-silent,1"]
    try site.serve(ServerOptions(workers: 2, variables: variables)) { server throws in
      try work(site, server)
      #expect(server.log.contains("by rewind"), "\(server)")
    }
    let runs = try FileManager.default.contentsOfDirectory(atPath: database + "/runs")
    #expect(runs.count == 4, "2 workers, twice, and nobody else: \(runs)")
    let script = """
      use Devel::Cover::DB;
      my $db = Devel::Cover::DB->new(db => $ARGV[0])->merge_runs;
      my $cover = $db->cover;
      my ($file) = grep { m{Answer.pm$} } $cover->items;
      my $statements = $cover->file($file)->statement;
      print join ' ', map { my $line = $statements->location($_); "$_:" . $line->[0]->covered } grep { $statements->location($_) } 2, 3;
      """
    let run = try Command.run([Products.perl, "-e", script, database], directory: site.path)
    #expect(run.output == "2:3 3:3" || run.output == "2:8 3:8", "\(run)")
  }
}
