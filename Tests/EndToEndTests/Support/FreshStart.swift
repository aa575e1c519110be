import Foundation
import Testing

/// The oracle: what a perl that starts now, loads the application once and asks it once, gets for an answer.
enum FreshStart {
  /// Loads as Plack's loader does, calls, and writes the answer to a file.
  private static let script = #"""
    use strict;
    our ($file, $to, $method, $path) = splice @ARGV;
    my $app = do {
      local $0 = $file;
      my $package = $file =~ s/([^A-Za-z0-9_])/sprintf("_%2x", unpack("C", $1))/egr;
      eval "package Plack::Sandbox::$package;" . '
        my $app = do $main::file; if (!$app && (my $error = $@ || $!)) { die $error } $app' or die $@;
    };
    open my $input, '<', \'';
    my ($decoded, $query) = split /\?/, $path, 2;
    my $answer = $app->({
      REQUEST_METHOD => $method, PATH_INFO => $decoded, SCRIPT_NAME => '', QUERY_STRING => $query // '',
      REQUEST_URI => $path, HTTP_HOST => 'localhost',
      SERVER_NAME => 'localhost', SERVER_PORT => 80, SERVER_PROTOCOL => 'HTTP/1.1', 'psgi.version' => [1, 1],
      'psgi.url_scheme' => 'http', 'psgi.input' => $input, 'psgi.errors' => \*STDERR, 'psgi.streaming' => 1,
      'psgi.nonblocking' => '', 'psgi.multithread' => '', 'psgi.multiprocess' => 1, 'psgi.run_once' => '',
    });
    # A delayed answer: what it is called with is the responder, and what that returns takes the body in parts.
    my @parts;
    if (ref $answer eq 'CODE') {
      my $delayed = $answer;
      $delayed->(sub { $answer = shift; bless \@parts, 'Writer' });
    }
    sub Writer::write { push @{ $_[0] }, $_[1] }
    sub Writer::close { }
    my $body = $answer->[2] // \@parts;
    if (ref $body ne 'ARRAY') {
      my $from = $body;
      local $/ = \65536;
      for ($body = []; defined(my $part = $from->getline);) { push @$body, $part }
    }
    open my $out, '>:raw', $to or die;
    print $out "HTTP/1.1 $answer->[0]\r\n";
    while (my ($name, $value) = splice @{$answer->[1]}, 0, 2) { print $out "$name: $value\r\n" }
    print $out "\r\n", @$body;
    close $out;
    """#

  /// The answer of a fresh start to a GET; throws with perl's message if the application does not load.
  static func answer(_ site: Site, path: String, options: ServerOptions) throws -> Response {
    let scratch = try Scratch()
    let target = scratch.path + "/answer"
    let run = try Command.run(
      [Products.perl] + site.include.flatMap { ["-I", $0] }
        + ["-e", script, site.absolute(options.application ?? "app.psgi"), target, "GET", path],
      directory: site.path,
      environment: ["PLACK_ENV": options.environment].merging(options.variables) { $1 })
    let bytes = [UInt8](FileManager.default.contents(atPath: target) ?? Data())
    guard run.end == .code(0), let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
      throw Stuck("a fresh start fails: \(run.errors)")
    }
    var response = try Response(head: Array(bytes[..<end.lowerBound]))
    response.body = Array(bytes[end.upperBound...])
    return response
  }
}

extension Server {
  /// Checks that the very next request gets this text, and that a fresh start would answer the same.
  func expectFresh(
    _ expected: String, at path: String = "/", options: ServerOptions = .development,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let answer = try ask("GET", path)
    let fresh = try FreshStart.answer(site, path: path, options: options)
    #expect(answer.text == expected, "\(self)", sourceLocation: sourceLocation)
    #expect(fresh.text == expected, "the test expects what a fresh start does not do", sourceLocation: sourceLocation)
    #expect(answer.status == fresh.status, "\(self)", sourceLocation: sourceLocation)
    for header in fresh.headers where header.name.lowercased() != "date" {
      #expect(answer[header.name] == header.value, "header \(header.name)\n\(self)", sourceLocation: sourceLocation)
    }
  }
}
