// Event streams by a servlet, and a WebSocket, on Tomcat embedded. Each publication is the text of one event.
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.websocket.OnMessage;
import jakarta.websocket.server.ServerContainer;
import jakarta.websocket.server.ServerEndpoint;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.websocket.server.WsSci;

public class Main {
    static final Map<String, Set<BlockingQueue<String>>> CHANNELS = new ConcurrentHashMap<>();

    static Set<BlockingQueue<String>> subscribers(HttpServletRequest request) {
        return CHANNELS.computeIfAbsent(request.getPathInfo(), name -> ConcurrentHashMap.newKeySet());
    }

    static class Events extends HttpServlet {
        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            response.setContentType("text/event-stream");
            response.setCharacterEncoding("UTF-8");
            response.setHeader("Cache-Control", "no-cache");
            BlockingQueue<String> news = new LinkedBlockingQueue<>();
            Set<BlockingQueue<String>> subscribers = subscribers(request);
            subscribers.add(news);
            try {
                response.flushBuffer();
                PrintWriter writer = response.getWriter();
                while (!writer.checkError()) {
                    String data = news.poll(1, TimeUnit.SECONDS);
                    writer.write(data == null ? ": still here\n\n" : "data: " + data.replace("\n", "\ndata: ") + "\n\n");
                    writer.flush();
                }
            } catch (InterruptedException error) {
                Thread.currentThread().interrupt();
            } finally {
                subscribers.remove(news);
            }
        }
    }

    static class Publish extends HttpServlet {
        @Override
        protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
            String data = new String(request.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            subscribers(request).forEach(news -> news.add(data));
            response.setStatus(HttpServletResponse.SC_NO_CONTENT);
        }
    }

    @ServerEndpoint("/echo")
    public static class Echo {
        @OnMessage
        public String text(String message) {
            return message;
        }

        @OnMessage
        public ByteBuffer bytes(ByteBuffer message) {
            return message;
        }
    }

    static void mount(Context context, String name, String path, HttpServlet servlet) {
        Tomcat.addServlet(context, name, servlet);
        context.addServletMappingDecoded(path, name);
    }

    public static void main(String[] arguments) throws Exception {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(arguments[0]);
        tomcat.setPort(Integer.parseInt(System.getenv("PORT")));
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        // Each stream keeps a thread.
        tomcat.getConnector().setProperty("maxThreads", "400");
        Context context = tomcat.addContext("", null);
        mount(context, "events", "/events/*", new Events());
        mount(context, "publish", "/publish/*", new Publish());
        // The filter for WebSocket asks nothing of a context that has no servlet for the path.
        Tomcat.addServlet(context, "default", "org.apache.catalina.servlets.DefaultServlet");
        context.addServletMappingDecoded("/", "default");
        context.addServletContainerInitializer(new WsSci(), null);
        context.addParameter("org.apache.tomcat.websocket.textBufferSize", String.valueOf(1 << 20));
        context.addParameter("org.apache.tomcat.websocket.binaryBufferSize", String.valueOf(1 << 20));
        context.addServletContainerInitializer((classes, servletContext) -> {
            try {
                ((ServerContainer) servletContext.getAttribute(ServerContainer.class.getName())).addEndpoint(Echo.class);
            } catch (jakarta.websocket.DeploymentException error) {
                throw new jakarta.servlet.ServletException(error);
            }
        }, null);
        tomcat.start();
        tomcat.getServer().await();
    }
}
