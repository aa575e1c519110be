package Bench::Apache;
use v5.16;
use strict;
use warnings;

use Bench::Application ();
use File::Basename     ();

my $modules = '/usr/lib/apache2/modules';

# Apache, prefork, with the application in mod_perl by Plack's handler, loaded before the children are forked, and
# Apache2::Reload for the application's own modules: the command, after its configuration has been written.
sub command {
    my ($port, $workers, $directory) = @_;
    return plack($port, $workers, $directory, <<"CONF");
PerlModule Apache2::Reload
PerlInitHandler Apache2::Reload
PerlSetVar ReloadDirectories "$directory/lib"
CONF
}

# The same without a reloader, and with what further configuration is given.
sub plack {
    my ($port, $workers, $directory, $more) = @_;
    return configured($port, $workers, $directory, <<"CONF" . ($more // ''));
PerlSwitches -I$directory/lib
<Perl>
    use Plack::Handler::Apache2;
    Plack::Handler::Apache2->preload("$directory/app.psgi");
</Perl>
<Location />
    SetHandler perl-script
    PerlResponseHandler Plack::Handler::Apache2
    PerlSetVar psgi_app $directory/app.psgi
</Location>
CONF
}

# The command for an Apache, prefork with mod_perl, that is configured so.
sub configured {
    my ($port, $workers, $directory, $configuration) = @_;
    my $account = $> == 0 ? "User nobody\nGroup nogroup\n" : '';
    my $beside = File::Basename::dirname($directory);
    Bench::Application::write_file("$beside/apache.conf", <<"CONF");
ServerRoot $directory
ServerName localhost
Listen 127.0.0.1:$port
PidFile $beside/apache.pid
ErrorLog $beside/apache.log
${account}LoadModule mpm_prefork_module $modules/mod_mpm_prefork.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule perl_module $modules/mod_perl.so
StartServers $workers
MinSpareServers $workers
MaxSpareServers $workers
ServerLimit $workers
MaxRequestWorkers $workers
MaxConnectionsPerChild 0
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 600
$configuration
CONF
    return ('/usr/sbin/apache2', '-f', "$beside/apache.conf", '-DFOREGROUND');
}

1;
