package io.sluice.sequences.text.encoding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.sequences.dataset.ManifestJson;
import io.sluice.sequences.text.encoding.TextContract.Layout;
import io.sluice.sequences.text.encoding.TextContract.Truncate;
import io.sluice.sequences.text.encoding.Tokenisation.Tokens;
import io.sluice.sequences.text.encoding.Tokenisation.Unicode;
import io.sluice.sequences.text.encoding.Vocabulary.Special;
import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A model bundle encodes text where neither Spark nor Hadoop nor Parquet is on the class path. */
class PlainJvmTextTest {

  @Test
  void textIsEncodedWithoutSparkAndHadoop() throws Exception {
    try (var plain = new URLClassLoader(classPath(), ClassLoader.getPlatformClassLoader())) {
      assertThatThrownBy(() -> plain.loadClass("org.apache.spark.sql.SparkSession"))
          .isInstanceOf(ClassNotFoundException.class);

      Object text = plain.loadClass(Probe.class.getName()).getMethod("run").invoke(null);

      assertThat(text).isEqualTo(Probe.run());
    }
  }

  private static URL[] classPath() {
    String path =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return Arrays.stream(path.split(File.pathSeparator))
        .filter(entry -> !entry.matches(".*(spark|hadoop|parquet|scala)[^/]*\\.jar"))
        .map(
            entry -> {
              try {
                return new File(entry).toURI().toURL();
              } catch (MalformedURLException e) {
                throw new IllegalArgumentException(entry, e);
              }
            })
        .toArray(URL[]::new);
  }

  /**
   * Writes a contract, reads it back, and encodes words; reads a tokenizer's vocabulary. Subwords
   * run native code, which a process can load through one class loader only: not through this one,
   * when other tests have it.
   */
  public static final class Probe {
    public static String run() throws Exception {
      Vocabulary words = Vocabulary.of(new Special("<pad>", "<unk>", null), Map.of("film", 3L));
      return encode(words, Tokens.WORD, null) + subwords().toText();
    }

    private static String json() {
      return Tokenizers.wordPiece();
    }

    private static Vocabulary subwords() {
      return Vocabulary.ofTokenizer(json(), new Special("<pad>", "<unk>", null), Map.of());
    }

    private static String encode(Vocabulary vocabulary, Tokens tokens, String json)
        throws Exception {
      var contract =
          new TextContract(
              Layout.DOCUMENTS,
              new Tokenisation(
                  true,
                  Unicode.NFKC,
                  true,
                  tokens,
                  false,
                  null,
                  json == null ? null : io.sluice.config.Provenance.sha256(json)),
              vocabulary.size(),
              vocabulary.hash(),
              vocabulary.padId(),
              vocabulary.unknownId(),
              vocabulary.lineEndId(),
              10,
              Truncate.END,
              List.of("a", "b"));
      String text = ManifestJson.write(contract);
      TextContract read =
          ManifestJson.convert(ManifestJson.tree(text, "contract"), TextContract.class, "contract");
      try (var encoder = new TextEncoder(read, vocabulary, json)) {
        return text + Arrays.toString(encoder.encode("A <b>FILM</b>, running 中文"));
      }
    }
  }
}
