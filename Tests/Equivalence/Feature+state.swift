extension Feature {
  /// Features that keep something in the process.
  func keeping(in module: Module) -> Lines {
    let own = module.package
    switch kind {
    case .closure:
      return Lines(
        code: [
          "{ my $count\(number) = \(value); my @log\(number);",
          "  sub count\(number) { push @log\(number), $count\(number); return $count\(number) += 2 }",
          "  our $peek\(number) = sub { my $more = $_[0]; return sub { \"$count\(number) $more @log\(number)\" } }; }",
        ] + (value % 3 == 0 ? ["count\(number)();"] : []),
        answer: ["count\(number)()", "$\(own)::peek\(number)->('x')->()"])
    case .state:
      return Lines(
        code: [
          "sub state\(number) { use feature 'state'; state $n = \(value); state @seen; push @seen, $n; return $n++ . \" @seen\" }"
        ] + (value % 2 == 0 ? ["state\(number)();"] : []), answer: ["state\(number)()"])
    case .inner:
      return Lines(
        code: [
          "package \(own)::In\(number);", "our ($x, @l) = (\(value), 1 .. \(value % 5));",
          "sub new { my $class = shift; return bless { v => $x, @_ }, $class }",
          "sub get { return $_[0]{v} . \" @l\" }",
          "package \(own);",
        ], answer: ["\(own)::In\(number)->new->get", "\(own)::In\(number)->new(v => 1)->get"])
    case .environment: return Lines(code: ["BEGIN { $ENV{EQUAL_\(other)} = \(value) }"])
    case .environmentRead:
      return Lines(code: ["our $env\(number) = $ENV{EQUAL_\(other)} // 'unset';"], answer: ["our $env\(number)"])
    case .flagRead:
      return Lines(
        code: ["our $flag\(other);", "our $before\(number) = $flag\(other) // 'unset';"],
        answer: ["our $before\(number)"])
    case .signal:
      return Lines(code: [
        "$SIG{\(value % 2 == 0 ? "USR1" : "WINCH")} = \(value % 3 == 0 ? "'IGNORE'" : "sub { return \(value) }");"
      ])
    case .registry:
      return Lines(code: [
        "$A::Registry::all{+__PACKAGE__} = { value => \(value), code => \\&word, before => $A::Registry::last };",
        "$A::Registry::last = $A::Registry::all{+__PACKAGE__};",
      ])
    case .overload:
      return Lines(
        code: [
          "package \(own)::Op\(number);",
          "use overload '+' => sub { return \"plus \(value)\" }, '\"\"' => sub { return \"text \(value)\" }, fallback => \(value % 2);",
          "sub new { return bless [], shift }", "package \(own);",
        ], answer: ["'' . \(own)::Op\(number)->new", "\(own)::Op\(number)->new + 1"])
    case .stringEval:
      return Lines(
        code: [
          "for my $name (qw(x y)) { eval \"sub made_${name}_\(number) { return '$name \(value)' } 1\" or die $@ }"
        ],
        answer: ["made_x_\(number)()"])
    case .end: return Lines(code: ["END { our $ended = \(value) }"])
    default: return rare(in: module)
    }
  }

  private func rare(in module: Module) -> Lines {
    let own = module.package
    switch kind {
    case .tied:
      return Lines(
        code: [
          "package \(own)::Tie\(number);", "sub TIESCALAR { my ($class, $v) = @_; return bless \\$v, $class }",
          "sub FETCH { return \"tied ${ $_[0] }\" }", "package \(own);",
          "tie our $tied\(number), '\(own)::Tie\(number)', \(value);",
        ], answer: ["our $tied\(number)"])
    case .weak:
      return Lines(
        code: [
          "use Scalar::Util ();", "our $parent\(number) = { name => \(value), re => qr/a\(value)/i };",
          "$parent\(number)->{child} = { parent => $parent\(number) };",
          "Scalar::Util::weaken($parent\(number)->{child}{parent});",
        ], answer: ["$\(own)::parent\(number)->{child}{parent}{name}"])
    case .format:
      return Lines(code: ["our $shown\(number) = \(value);", "format F\(number) =\n@<<< \(value)\n$shown\(number)\n."])
    case .autoload:
      return Lines(
        code: [
          "our $AUTOLOAD;",
          "sub AUTOLOAD { my $name = $AUTOLOAD =~ s/.*:://r; return if $name eq 'DESTROY'; return \"auto $name \(value)\" }",
        ], answer: ["__PACKAGE__->missing\(number)"])
    default: return Lines(code: ["select undef, undef, undef, 0.00\(value % 9 + 1);"])
    }
  }
}
