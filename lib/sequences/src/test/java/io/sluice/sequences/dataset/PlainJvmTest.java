package io.sluice.sequences.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** A model bundle predicts where neither Spark nor Hadoop nor Parquet is on the class path. */
class PlainJvmTest {

  @Test
  void contractEncoderAndManifestWorkWithoutSparkAndHadoop() throws Exception {
    try (var plain = new PlainClassLoader()) {
      assertThatThrownBy(() -> plain.loadClass("org.apache.spark.sql.SparkSession"))
          .isInstanceOf(ClassNotFoundException.class);

      Object text = plain.loadClass(Probe.class.getName()).getMethod("run").invoke(null);

      assertThat(text).isEqualTo(Probe.run());
    }
  }

  /** Cuts a window, writes its contract and reads it back. */
  public static final class Probe {
    public static String run() throws Exception {
      WindowContract contract = new RandomWindows(5).contract();
      String json = ManifestJson.write(contract);
      WindowContract read =
          ManifestJson.convert(
              ManifestJson.mapper().readTree(json), WindowContract.class, "contract");
      Segment segment = new RandomWindows(6).segment(read, "a");
      var encoder = new WindowEncoder(read);
      WindowBatch batch = encoder.newBatch(segment.windows());
      encoder.begin(batch, segment.windows());
      encoder.encodeAll(segment, 0, segment.windows(), batch, 0);
      encoder.toOriginalUnits(batch, batch.targets().clone(), 1);
      return json + segment + Arrays.toString(batch.inputs()) + Arrays.toString(batch.targets());
    }
  }

  /** The tests' class path without the jars of the engine; delegates the JDK's classes only. */
  private static final class PlainClassLoader extends URLClassLoader {
    PlainClassLoader() {
      super(plainClassPath(), ClassLoader.getPlatformClassLoader());
    }

    private static URL[] plainClassPath() {
      String path =
          System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
      return Arrays.stream(path.split(File.pathSeparator))
          .filter(entry -> !entry.matches(".*(spark|hadoop|parquet|scala|slf4j).*\\.jar"))
          .map(PlainClassLoader::url)
          .toArray(URL[]::new);
    }

    private static URL url(String entry) {
      try {
        return new File(entry).toURI().toURL();
      } catch (MalformedURLException e) {
        throw new IllegalArgumentException(entry, e);
      }
    }
  }
}
