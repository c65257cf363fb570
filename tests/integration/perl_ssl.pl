# SPDX-License-Identifier: Apache-2.0
# What Perl's modules do with key references; perl-ssl.sh starts it. Files NAME.pem (bundle), NAME.crt and NAME.key
# are in the current directory.
# usage: perl_ssl.pl CA NAME OTHER   a server NAME, and clients that are OTHER
#        perl_ssl.pl --load FILE     a server with this bundle: the error, or "loaded"
use strict;
use warnings;
use IO::Socket::SSL;
use Net::SSLeay;

sub listener {
    my ($bundle, @options) = @_;
    return IO::Socket::SSL->new(
        LocalAddr     => '127.0.0.1',
        Listen        => 5,
        SSL_cert_file => $bundle,
        SSL_key_file  => $bundle,
        @options
    );
}

# Answers each connection with the common name of its certificate.
sub serve {
    my ($listener, $count) = @_;
    while ($count-- > 0) {
        my $client = $listener->accept or die "accept: $SSL_ERROR";
        print $client $client->peer_certificate('commonName'), "\n";
        $client->close;
    }
}

sub ask {
    my ($port, $ca, $name, @files) = @_;
    my $client = IO::Socket::SSL->new(
        PeerAddr            => '127.0.0.1',
        PeerPort            => $port,
        SSL_ca_file         => $ca,
        SSL_verifycn_name   => $name,
        SSL_verifycn_scheme => 'http',
        @files
    ) or die "connect: $SSL_ERROR";
    print $client->get_sslversion, ' ', scalar <$client>;
}

# The same with the functions of OpenSSL themselves.
sub ask_plainly {
    my ($port, $ca, $certificate, $key) = @_;
    my $socket  = IO::Socket::INET->new("127.0.0.1:$port") or die $!;
    my $context = Net::SSLeay::CTX_new_with_method(Net::SSLeay::TLS_method());
    Net::SSLeay::CTX_load_verify_locations($context, $ca, '') or die 'CA';
    Net::SSLeay::CTX_set_verify($context, Net::SSLeay::VERIFY_PEER(), 0);
    Net::SSLeay::set_cert_and_key($context, $certificate, $key) or die 'key';
    my $tls = Net::SSLeay::new($context);
    Net::SSLeay::set_fd($tls, fileno($socket));
    Net::SSLeay::connect($tls) > 0 or die Net::SSLeay::ERR_error_string(Net::SSLeay::ERR_get_error());
    print Net::SSLeay::get_version($tls), ' ', scalar Net::SSLeay::read($tls);
    Net::SSLeay::free($tls);
    Net::SSLeay::CTX_free($context);
}

if ($ARGV[0] eq '--load') {
    print listener($ARGV[1]) ? "loaded\n" : "$SSL_ERROR\n";
    exit 0;
}
my ($ca, $name, $other) = @ARGV;
my $listener = listener("$name.pem", SSL_ca_file => $ca, SSL_verify_mode => SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT)
    or die "listen: $SSL_ERROR";
my $child = fork // die $!;
if ($child == 0) {
    serve($listener, 3);
    exit 0;
}
my $port = $listener->sockport;
ask($port, $ca, $name, SSL_cert_file => "$other.pem", SSL_key_file => "$other.pem");
ask($port, $ca, $name, SSL_cert_file => "$other.crt", SSL_key_file => "$other.key", SSL_version => 'TLSv12');
ask_plainly($port, $ca, "$other.crt", "$other.key");
waitpid $child, 0;
exit($? >> 8);
