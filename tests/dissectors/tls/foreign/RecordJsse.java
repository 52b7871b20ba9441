// Records conversations of Java's TLS with itself: DES, export suites, the ClientHello in SSL 2.0 format, renegotiation.
//
//     openssl req -x509 -newkey rsa:512 -nodes -keyout key.pem -out cert.pem -days 36500 -subj /CN=mail.test
//     openssl pkcs12 -export -inkey key.pem -in cert.pem -passout pass:secret -out key.p12
//     java RecordJsse.java key.p12 > jsse.json        (OpenJDK 17)
//
// Java writes no key log, and needs none here: all key exchanges are RSA, and the server's private key is in the file.

import java.io.FileInputStream;
import java.nio.ByteBuffer;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Security;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import javax.net.ssl.*;

public class RecordJsse {
    static final byte[][] SAID = {
        "POST /Microsoft-Server-ActiveSync?Cmd=Ping HTTP/1.1\r\nContent-Length: 0\r\n\r\n".getBytes(), "up".repeat(700).getBytes(), "last".getBytes()};
    static final byte[][] ANSWERED = {
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc".getBytes(), "x".repeat(2500).getBytes(), "the end".getBytes()};

    static KeyStore store;
    static List<String> turns;

    static class End {
        final SSLEngine engine;
        final int side;
        ByteBuffer incoming = ByteBuffer.allocate(100000), plain = ByteBuffer.allocate(100000);

        End(SSLEngine engine, int side) { this.engine = engine; this.side = side; }

        // One step; true when something happened.
        boolean step(End other, ByteBuffer data) throws Exception {
            for (Runnable task; (task = engine.getDelegatedTask()) != null; ) task.run();
            var status = engine.getHandshakeStatus();
            boolean wants = status == SSLEngineResult.HandshakeStatus.NEED_WRAP;
            boolean idle = status == SSLEngineResult.HandshakeStatus.NOT_HANDSHAKING;
            if (wants || (idle && data.hasRemaining())) {
                ByteBuffer out = ByteBuffer.allocate(100000);
                engine.wrap(wants ? ByteBuffer.allocate(0) : data, out);
                out.flip();
                if (!out.hasRemaining()) return false;
                byte[] bytes = new byte[out.remaining()];
                out.get(bytes);
                turns.add("[" + side + ", \"" + HexFormat.of().formatHex(bytes) + "\"]");
                other.incoming.put(bytes);
                return true;
            }
            incoming.flip();
            int before = incoming.remaining();
            if (before > 0) engine.unwrap(incoming, plain);
            boolean used = incoming.remaining() < before;
            incoming.compact();
            return used;
        }
    }

    static void run(End client, End server, ByteBuffer up, ByteBuffer down) throws Exception {
        int idle = 0;
        while (idle < 4) idle = client.step(server, up) | server.step(client, down) ? 0 : idle + 1;
    }

    static String record(String name, String[] protocols, String suite, String told, boolean renegotiate) throws Exception {
        turns = new ArrayList<>();
        var keys = KeyManagerFactory.getInstance("SunX509");
        keys.init(store, "secret".toCharArray());
        X509TrustManager trusting = new X509TrustManager() {
            public void checkClientTrusted(java.security.cert.X509Certificate[] chain, String type) {}
            public void checkServerTrusted(java.security.cert.X509Certificate[] chain, String type) {}
            public java.security.cert.X509Certificate[] getAcceptedIssuers() { return new java.security.cert.X509Certificate[0]; }
        };
        var context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), new TrustManager[] {trusting}, null);
        End client = new End(context.createSSLEngine("mail.test", 443), 0), server = new End(context.createSSLEngine(), 1);
        client.engine.setUseClientMode(true);
        server.engine.setUseClientMode(false);
        server.engine.setWantClientAuth(renegotiate);
        for (End end : List.of(client, server)) {
            end.engine.setEnabledProtocols(protocols);
            end.engine.setEnabledCipherSuites(new String[] {suite, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"});
        }
        client.engine.beginHandshake();
        run(client, server, ByteBuffer.allocate(0), ByteBuffer.allocate(0));
        for (int n = 0; n < SAID.length; n++) {
            run(client, server, ByteBuffer.wrap(SAID[n]), ByteBuffer.allocate(0));
            run(client, server, ByteBuffer.allocate(0), ByteBuffer.wrap(ANSWERED[n]));
            if (renegotiate && n == 0) {
                server.engine.getSession().invalidate();
                server.engine.beginHandshake();
                run(client, server, ByteBuffer.allocate(0), ByteBuffer.allocate(0));
            }
        }
        byte[] heard = Arrays.copyOf(server.plain.array(), server.plain.position());
        if (heard.length != Arrays.stream(SAID).mapToInt(part -> part.length).sum()) throw new Exception(name + " lost bytes");
        String version = client.engine.getSession().getProtocol().replace("SSLv3", "SSL 3.0").replace("TLSv1.", "TLS 1.").replace("TLSv1", "TLS 1.0");
        return "{\"name\": \"" + name + "\", \"version\": \"" + version + "\", \"suite\": \"" + told + "\",\n \"turns\": [\n  "
            + String.join(",\n  ", turns) + "]}";
    }

    static String hex(byte[][] parts) {
        var all = new StringBuilder();
        for (byte[] part : parts) all.append(HexFormat.of().formatHex(part));
        return all.toString();
    }

    public static void main(String[] arguments) throws Exception {
        Security.setProperty("jdk.tls.disabledAlgorithms", "");
        Security.setProperty("jdk.tls.legacyAlgorithms", "");
        Security.setProperty("jdk.certpath.disabledAlgorithms", "");
        System.setProperty("jdk.tls.rejectClientInitiatedRenegotiation", "false");
        store = KeyStore.getInstance("PKCS12");
        store.load(new FileInputStream(arguments[0]), "secret".toCharArray());
        PrivateKey key = (PrivateKey) store.getKey(store.aliases().nextElement(), "secret".toCharArray());
        String pem = "-----BEGIN PRIVATE KEY-----\\n" + Base64.getMimeEncoder(64, "\n".getBytes()).encodeToString(key.getEncoded()).replace("\n", "\\n") + "\\n-----END PRIVATE KEY-----\\n";
        String[] ssl3 = {"SSLv3"}, tls10 = {"TLSv1"}, tls11 = {"TLSv1.1"}, v2 = {"SSLv2Hello", "SSLv3", "TLSv1"};
        var all = new ArrayList<String>();
        all.add(record("ssl3-des", ssl3, "SSL_RSA_WITH_DES_CBC_SHA", "TLS_RSA_WITH_DES_CBC_SHA", false));
        all.add(record("ssl3-rc4-export", ssl3, "SSL_RSA_EXPORT_WITH_RC4_40_MD5", "TLS_RSA_EXPORT_WITH_RC4_40_MD5", false));
        all.add(record("ssl3-des-export", ssl3, "SSL_RSA_EXPORT_WITH_DES40_CBC_SHA", "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA", false));
        all.add(record("tls10-des", tls10, "SSL_RSA_WITH_DES_CBC_SHA", "TLS_RSA_WITH_DES_CBC_SHA", false));
        all.add(record("tls10-rc4-export", tls10, "SSL_RSA_EXPORT_WITH_RC4_40_MD5", "TLS_RSA_EXPORT_WITH_RC4_40_MD5", false));
        all.add(record("tls10-des-export", tls10, "SSL_RSA_EXPORT_WITH_DES40_CBC_SHA", "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA", false));
        all.add(record("hello-in-ssl2-format", v2, "SSL_RSA_WITH_RC4_128_MD5", "TLS_RSA_WITH_RC4_128_MD5", false));
        all.add(record("renegotiation-rc4", tls10, "SSL_RSA_WITH_RC4_128_SHA", "TLS_RSA_WITH_RC4_128_SHA", true));
        all.add(record("renegotiation-3des", tls11, "SSL_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", true));
        all.add(record("renegotiation-ssl3", ssl3, "SSL_RSA_WITH_RC4_128_SHA", "TLS_RSA_WITH_RC4_128_SHA", true));
        System.out.println("{\"private_key\": \"" + pem + "\",\n \"sent\": [\"" + hex(SAID) + "\", \"" + hex(ANSWERED) + "\"],\n \"recordings\": [\n"
            + String.join(",\n", all) + "]}");
    }
}
