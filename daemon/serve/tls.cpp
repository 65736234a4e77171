#include "daemon/serve/tls.hpp"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <boost/asio/ssl/context.hpp>
#include <cstddef>

namespace gerbang {
namespace {

namespace ssl = boost::asio::ssl;

Error refused(const std::string& operation, const std::string& why) {
    return Error{Errc::bad_input, operation + ": " + why};
}

}  // namespace

std::string client_name_of(ssl_st* handle) {
    if (SSL_get_verify_result(handle) != X509_V_OK) return {};
    const X509* certificate = SSL_get0_peer_certificate(handle);
    if (certificate == nullptr) return {};
    const X509_NAME* subject = X509_get_subject_name(certificate);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return {};
    unsigned char* text = nullptr;
    const int size =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (size < 0) return {};
    std::string name{reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)};
    OPENSSL_free(text);
    const bool has_control = std::any_of(
        name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    return has_control ? std::string{} : name;
}

Result<void> load_tls(ssl::context& tls, const Listen& listen) {
    boost::system::error_code error;
    tls.set_options(ssl::context::default_workarounds | ssl::context::no_compression |
                        ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1,
                    error);
    SSL_CTX* handle = tls.native_handle();
    SSL_CTX_set_min_proto_version(handle, TLS1_2_VERSION);
    SSL_CTX_set_options(handle, SSL_OP_NO_RENEGOTIATION);
    // An idle session gives its buffers back; there may be thousands.
    SSL_CTX_set_mode(handle, SSL_MODE_RELEASE_BUFFERS);
    tls.use_certificate_chain_file(listen.cert_file, error);
    if (error) return refused("read certificate " + listen.cert_file, error.message());
    tls.use_private_key_file(listen.key_file, ssl::context::pem, error);
    if (error) return refused("read key " + listen.key_file, error.message());
    // Without a context of its own, a resumed session with a client certificate is refused.
    static constexpr unsigned char kContext[] = "gerbang";
    SSL_CTX_set_session_id_context(handle, kContext, sizeof kContext - 1);
    if (listen.client_ca_file.empty()) return ok();
    tls.load_verify_file(listen.client_ca_file, error);
    if (!error) {
        const auto demand = listen.certificate_is_optional ? 0 : ssl::verify_fail_if_no_peer_cert;
        tls.set_verify_mode(ssl::verify_peer | demand, error);
    }
    if (error) return refused("read client CA " + listen.client_ca_file, error.message());
    SSL_CTX_set_client_CA_list(handle, SSL_load_client_CA_file(listen.client_ca_file.c_str()));
    return ok();
}

}  // namespace gerbang
