package io.sluice.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Properties;

/** Text files on the class path: templates, scripts, styles. */
final class Resources {
  private static final String UPLOT = "/META-INF/resources/webjars/uplot/%s/dist/%s";
  private static final String UPLOT_POM = "/META-INF/maven/org.webjars.npm/uplot/pom.properties";

  /** A file of this package. */
  static String text(String name) {
    return read(name);
  }

  /** A file of the chart library, whatever its version. */
  static String uplot(String name) {
    return read(UPLOT.formatted(uplotVersion(), name));
  }

  private static String uplotVersion() {
    try (InputStream in = Resources.class.getResourceAsStream(UPLOT_POM)) {
      if (in == null) {
        throw new IllegalStateException("uPlot's webjar is not on the class path: " + UPLOT_POM);
      }
      var properties = new Properties();
      properties.load(in);
      return properties.getProperty("version");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String read(String name) {
    try (InputStream in = Resources.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("not on the class path: " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Resources() {}
}
