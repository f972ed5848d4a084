// SPDX-License-Identifier: Apache-2.0
// One visit to a token: its library is loaded, a session opened, a key found, used, and everything closed again.
//
// CKM_AES_CBC over whole blocks with a fresh vector: the mechanism that every token with AES has, hardware of Chinese makers
// included, and that SM4 of their own numbers is used like. Source: PKCS #11 Cryptographic Token Interface 2.40, OASIS 2015.
#include "keys/token.h"

#include <dlfcn.h>
#include <openssl/crypto.h>
#include <p11-kit/pkcs11.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <vector>

#include "keys/keys.h"

namespace xinglin::keys {

namespace {

constexpr std::size_t vector_bytes = 16;
constexpr const char* pin_variable = "XINGLIN_TOKEN_PIN";

/// In words what an operator can do something about; the number for everything else.
std::string words_for(CK_RV code) {
    switch (code) {
        case CKR_PIN_INCORRECT:
        case CKR_PIN_INVALID:
        case CKR_PIN_LEN_RANGE: return "the PIN is not the token's; a token locks itself after a few";
        case CKR_PIN_LOCKED: return "the PIN is locked; the token's security officer sets a new one";
        case CKR_PIN_EXPIRED: return "the PIN has expired; set a new one";
        case CKR_USER_PIN_NOT_INITIALIZED: return "the token has no PIN yet; initialise it";
        case CKR_DEVICE_REMOVED:
        case CKR_TOKEN_NOT_PRESENT:
        case CKR_DEVICE_ERROR: return "the token does not answer; see whether it is plugged in";
        case CKR_MECHANISM_INVALID:
        case CKR_MECHANISM_PARAM_INVALID:
            return "the token does not offer the mechanism; name the number of its own with x-mechanism=0x…";
        case CKR_KEY_FUNCTION_NOT_PERMITTED:
        case CKR_KEY_TYPE_INCONSISTENT: return "the key may not encrypt and decrypt; make one that may";
        case CKR_SESSION_READ_ONLY:
        case CKR_TOKEN_WRITE_PROTECTED: return "the token may not be written to";
        default: break;
    }
    char number[32];
    std::snprintf(number, sizeof number, "0x%lx", code);
    return std::string("the token says ") + number + " (CKR_… in its manual)";
}

/// One at a time: libraries are loaded, initialised and finished for the whole process.
std::mutex one_visit;

class Visit {
public:
    explicit Visit(const TokenPlace& place) : place_(place), turn_(one_visit) {}
    ~Visit() {
        if (session_) {
            if (logged_in_) calls_->C_Logout(session_);
            calls_->C_CloseSession(session_);
        }
        if (initialised_) calls_->C_Finalize(nullptr);
        if (library_) ::dlclose(library_);
    }
    Visit(const Visit&) = delete;

    Result<Done> enter(CK_FLAGS flags) {
        XINGLIN_CHECK(load());
        XINGLIN_TRY(const CK_SLOT_ID slot, find_slot());
        if (const CK_RV code = calls_->C_OpenSession(slot, CKF_SERIAL_SESSION | flags, nullptr, nullptr, &session_);
            code != CKR_OK) {
            session_ = 0;
            return no(words_for(code));
        }
        return log_in();
    }

    Result<CK_OBJECT_HANDLE> key() {
        CK_OBJECT_CLASS kind = CKO_SECRET_KEY;
        std::vector<CK_ATTRIBUTE> wanted = {{CKA_CLASS, &kind, sizeof kind}};
        const auto text = [&](CK_ATTRIBUTE_TYPE type, const std::string& value) {
            if (!value.empty()) wanted.push_back({type, const_cast<char*>(value.data()), value.size()});
        };
        text(CKA_LABEL, place_.object), text(CKA_ID, place_.id);
        CK_OBJECT_HANDLE found[2] = {};
        CK_ULONG count = 0;
        CK_RV code = calls_->C_FindObjectsInit(session_, wanted.data(), wanted.size());
        if (code == CKR_OK) {
            code = calls_->C_FindObjects(session_, found, 2, &count);
            calls_->C_FindObjectsFinal(session_);
        }
        if (code != CKR_OK) return no(words_for(code));
        if (count == 0)
            return no("the token holds no such secret key; see object= and id=, or make one with `xinglin keys token`");
        if (count > 1) return no("the token holds several such keys; say which with id=");
        return found[0];
    }

    Result<std::string> use(bool is_sealing, std::string vector, std::string_view in) {
        XINGLIN_TRY(const CK_OBJECT_HANDLE with, key());
        CK_MECHANISM mechanism = {place_.mechanism, vector.data(), vector.size()};
        std::string out(in.size() + 16, '\0');
        CK_ULONG size = out.size();
        auto* from = reinterpret_cast<CK_BYTE*>(const_cast<char*>(in.data()));
        auto* to = reinterpret_cast<CK_BYTE*>(out.data());
        CK_RV code =
            is_sealing ? calls_->C_EncryptInit(session_, &mechanism, with) : calls_->C_DecryptInit(session_, &mechanism, with);
        if (code == CKR_OK)
            code = is_sealing ? calls_->C_Encrypt(session_, from, in.size(), to, &size)
                              : calls_->C_Decrypt(session_, from, in.size(), to, &size);
        if (code != CKR_OK) return no(words_for(code));
        if (size != in.size()) return no("the token's mechanism is no CBC over whole blocks; name another with x-mechanism=0x…");
        out.resize(size);
        return out;
    }

    /// Made inside, for good, never to come out.
    Result<Done> make_key() {
        if (place_.object.empty()) return no("names no key to be made; add object=NAME");
        if (key().ok()) return refuse(IssueCode::conflict, place_.name, "the token holds a key of this name already");
        CK_OBJECT_CLASS kind = CKO_SECRET_KEY;
        CK_KEY_TYPE type = CKK_AES;
        CK_ULONG size = key_bytes;
        CK_BBOOL yes = CK_TRUE, never = CK_FALSE;
        std::vector<CK_ATTRIBUTE> wanted = {{CKA_CLASS, &kind, sizeof kind},
                                            {CKA_KEY_TYPE, &type, sizeof type},
                                            {CKA_VALUE_LEN, &size, sizeof size},
                                            {CKA_TOKEN, &yes, 1},
                                            {CKA_PRIVATE, &yes, 1},
                                            {CKA_SENSITIVE, &yes, 1},
                                            {CKA_EXTRACTABLE, &never, 1},
                                            {CKA_ENCRYPT, &yes, 1},
                                            {CKA_DECRYPT, &yes, 1},
                                            {CKA_LABEL, const_cast<char*>(place_.object.data()), place_.object.size()}};
        if (!place_.id.empty()) wanted.push_back({CKA_ID, const_cast<char*>(place_.id.data()), place_.id.size()});
        CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, nullptr, 0};
        CK_OBJECT_HANDLE made = 0;
        if (const CK_RV code = calls_->C_GenerateKey(session_, &mechanism, wanted.data(), wanted.size(), &made); code != CKR_OK)
            return no(words_for(code));
        return Done{};
    }

private:
    Outcome no(std::string what) const { return refuse(IssueCode::exception, place_.name, std::move(what)); }

    Result<Done> load() {
        library_ = ::dlopen(place_.module.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (!library_)
            return no(place_.module + " cannot be loaded as a library; module-path names the PKCS#11 library of the token");
        const auto list = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library_, "C_GetFunctionList"));
        if (!list || list(&calls_) != CKR_OK || !calls_)
            return no(place_.module + " is no PKCS#11 library; module-path names that of the token");
        CK_C_INITIALIZE_ARGS arguments = {};
        arguments.flags = CKF_OS_LOCKING_OK;
        const CK_RV code = calls_->C_Initialize(&arguments);
        initialised_ = code == CKR_OK;
        if (!initialised_ && code != CKR_CRYPTOKI_ALREADY_INITIALIZED) return no(words_for(code));
        return Done{};
    }

    template <std::size_t N>
    static bool says(const CK_UTF8CHAR (&field)[N], const std::string& wanted) {  // padded with blanks
        std::string_view is(reinterpret_cast<const char*>(field), N);
        is = is.substr(0, is.find_last_not_of(std::string_view(" \0", 2)) + 1);
        return wanted.empty() || is == wanted;
    }

    Result<CK_SLOT_ID> find_slot() {
        CK_ULONG count = 0;
        CK_RV code = calls_->C_GetSlotList(CK_TRUE, nullptr, &count);
        std::vector<CK_SLOT_ID> slots(count);
        if (code == CKR_OK && count) code = calls_->C_GetSlotList(CK_TRUE, slots.data(), &count);
        if (code != CKR_OK) return no(words_for(code));
        slots.resize(count);
        std::erase_if(slots, [&](CK_SLOT_ID slot) {
            CK_TOKEN_INFO about = {};
            if (place_.slot && *place_.slot != slot) return true;
            if (calls_->C_GetTokenInfo(slot, &about) != CKR_OK || !(about.flags & CKF_TOKEN_INITIALIZED)) return true;
            return !says(about.label, place_.token) || !says(about.serialNumber, place_.serial) ||
                   !says(about.manufacturerID, place_.manufacturer) || !says(about.model, place_.model);
        });
        if (slots.empty()) return no("there is no such token; see whether it is plugged in, and its name (token=, serial=)");
        if (slots.size() > 1) return no("there are several such tokens; say which with token= or serial=");
        return slots[0];
    }

    Result<Done> log_in() {
        XINGLIN_TRY(std::string pin, pin_text());
        const CK_RV code = calls_->C_Login(session_, CKU_USER, reinterpret_cast<CK_UTF8CHAR*>(pin.data()), pin.size());
        OPENSSL_cleanse(pin.data(), pin.size());
        logged_in_ = code == CKR_OK;
        if (!logged_in_ && code != CKR_USER_ALREADY_LOGGED_IN) return no(words_for(code));
        return Done{};
    }

    Result<std::string> pin_text() const {
        const std::string& source = place_.pin_source;
        if (source.starts_with("file:") || source.starts_with("/")) {
            std::string path = source.starts_with("file:") ? source.substr(5) : source;
            if (path.starts_with("//")) path.erase(0, 2);
            XINGLIN_TRY(std::string text, private_text("pin-source=" + source, path));
            while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
            return text;
        }
        if (!source.empty() && !source.starts_with("env:"))
            return no("pin-source is not understood; expected file:PATH or env:NAME");
        const std::string name = source.empty() ? pin_variable : source.substr(4);
        const char* text = std::getenv(name.c_str());
        if (!text) return no("the PIN is missing; name its file with pin-source=file:PATH, or set " + name);
        return std::string(text);
    }

    const TokenPlace& place_;
    std::lock_guard<std::mutex> turn_;
    void* library_ = nullptr;
    CK_FUNCTION_LIST* calls_ = nullptr;
    CK_SESSION_HANDLE session_ = 0;
    bool initialised_ = false, logged_in_ = false;
};

}  // namespace

Result<std::string> seal_in_token(std::string_view where, std::string_view text) {
    XINGLIN_TRY(const TokenPlace place, token_place(where));
    Visit visit(place);
    XINGLIN_CHECK(visit.enter(0));
    const std::string vector = random_bytes(vector_bytes);
    XINGLIN_TRY(const std::string sealed, visit.use(true, vector, text));
    return vector + sealed;
}

Result<std::string> open_in_token(std::string_view where, std::string_view sealed) {
    XINGLIN_TRY(const TokenPlace place, token_place(where));
    Visit visit(place);
    XINGLIN_CHECK(visit.enter(0));
    return visit.use(false, std::string(sealed.substr(0, vector_bytes)), sealed.substr(vector_bytes));
}

Result<Done> make_in_token(std::string_view where) {
    if (!where.starts_with(token_scheme))
        return refuse(IssueCode::value, std::string(where),
                      "is no token; expected pkcs11:token=NAME;object=NAME?module-path=FILE&pin-source=file:PATH");
    XINGLIN_TRY(const TokenPlace place, token_place(where));
    Visit visit(place);
    XINGLIN_CHECK(visit.enter(CKF_RW_SESSION));
    return visit.make_key();
}

}  // namespace xinglin::keys
