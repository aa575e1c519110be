#!/usr/bin/perl
# Serves the app.psgi of the current directory under morbo and hypnotoad, which run Mojolicious applications only.
use Mojolicious::Lite -signatures;

use Cwd ();

my $application = do { my $file = Cwd::getcwd() . '/app.psgi'; do $file or die $@ || $! };

app->log->level('fatal');
app->secrets(['benchmark']);
app->config(hypnotoad => {
    listen           => ["http://127.0.0.1:$ENV{BENCH_PORT}"],
    workers          => $ENV{BENCH_WORKERS},
    pid_file         => Cwd::getcwd() . '/../hypnotoad.pid',
    graceful_timeout => 5,
}) if $ENV{BENCH_PORT};

any '/*rest' => { rest => '' } => sub ($c) {
    my $request = $c->req;
    open my $input, '<', \($request->body);
    my $answer = $application->({
        REQUEST_METHOD => $request->method,
        SCRIPT_NAME    => '',
        PATH_INFO      => $request->url->path->to_string =~ s{^(?!/)}{/}r,
        REQUEST_URI    => $request->url->to_string,
        QUERY_STRING   => $request->url->query->to_string,
        SERVER_NAME    => '127.0.0.1',
        SERVER_PORT    => $c->tx->local_port,
        REMOTE_ADDR    => $c->tx->remote_address,
        SERVER_PROTOCOL     => 'HTTP/1.1',
        HTTP_HOST           => $request->headers->host,
        'psgi.version'      => [1, 1],
        'psgi.url_scheme'   => 'http',
        'psgi.input'        => $input,
        'psgi.errors'       => \*STDERR,
        'psgi.multithread'  => !!0,
        'psgi.multiprocess' => !!1,
        'psgi.run_once'     => !!0,
        'psgi.nonblocking'  => !!0,
        'psgi.streaming'    => !!0,
    });
    my ($status, $headers, $body) = @$answer;
    while (my ($name, $value) = splice @$headers, 0, 2) { $c->res->headers->add($name => $value) }
    $c->render(status => $status, data => join '', @$body);
};

app->start;
