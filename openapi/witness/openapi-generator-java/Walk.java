import static java.util.Objects.requireNonNull;

import chaveiro.api.ApiClient;
import chaveiro.api.ApiException;
import chaveiro.api.api.CasApi;
import chaveiro.api.api.DevicesApi;
import chaveiro.api.api.InstanceModelsApi;
import chaveiro.api.api.InstancesApi;
import chaveiro.api.api.Site2SiteApi;
import chaveiro.api.model.Ca;
import chaveiro.api.model.CaCreate;
import chaveiro.api.model.ClientSite2Site;
import chaveiro.api.model.ClientSite2SiteConfig;
import chaveiro.api.model.ClientSite2SiteConfigUpdate;
import chaveiro.api.model.ClientSite2SiteCreate;
import chaveiro.api.model.ClientSite2SitePage;
import chaveiro.api.model.ClientStatus;
import chaveiro.api.model.Cursor;
import chaveiro.api.model.Errors;
import chaveiro.api.model.FieldError;
import chaveiro.api.model.FieldErrorType;
import chaveiro.api.model.Instance;
import chaveiro.api.model.InstanceControlChannel;
import chaveiro.api.model.InstanceCreate;
import chaveiro.api.model.InstanceModel;
import chaveiro.api.model.InstanceModelCreate;
import chaveiro.api.model.PamDeviceImport;
import chaveiro.api.model.Pkcs12Request;
import chaveiro.pam.api.AuthApi;
import chaveiro.pam.model.DeviceUpsert;
import chaveiro.pam.model.ErrorAnswer;
import chaveiro.pam.model.GrantType;
import chaveiro.pam.model.TokenRequest;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * Walks through both dialects with clients that openapi-generator has generated of the documents. It leaves the files
 * that it gets in the folder FOLDER. What goes wrong is an exception.
 */
public final class Walk {
  public static void main(String[] args) throws Exception {
    ApiClient client = new ApiClient().setBasePath(variable("CHAVEIRO_URL") + "/api");
    client.setBearerToken(variable("CHAVEIRO_TOKEN"));
    Ca ca = new CasApi(client).createCa(new CaCreate().name("ca-matriz").email("ca@example.com"), null, null);
    Site2SiteApi group = new Site2SiteApi(client);
    long id = createClients(group, ca.getId());
    readPages(group);
    keep("client.p12", group.createClientSite2SitePkcs12(id, new Pkcs12Request().password(variable("PASSWORD")), null));
    keep("crl.pem", new CasApi(client).getCaCrl(ca.getId(), null, null, null, null));
    connect(client, ca.getId(), id);
    importDevices(new DevicesApi(client));
    walkVault();
    readLaterVersion();
  }

  /** Makes two clients, one of them twice, which is a conflict. Returns the id of the first. */
  private static long createClients(Site2SiteApi group, long ca) throws ApiException {
    ClientSite2SiteCreate body = new ClientSite2SiteCreate().caId(ca).name("site-rio").email("rio@example.com");
    ClientSite2Site made = group.createClientSite2Site(body, null, null);
    check(made.getName().equals("site-rio") && made.getExpiryDate().isAfter(made.getCreatedAt()), made);
    try {
      group.createClientSite2Site(body, null, null);
      throw new IllegalStateException("the same client again");
    } catch (ApiException conflict) {
      FieldError fault = conflictOf(conflict);
      check(fault.getField().equals("name") && fault.getType() == FieldErrorType.DUPLICATED, fault);
    }
    group.createClientSite2Site(body.name("site-sul"), null, null);
    return made.getId();
  }

  private static FieldError conflictOf(ApiException failed) {
    check(failed.getCode() == 409, failed);
    Errors answer = chaveiro.api.JSON.deserialize(failed.getResponseBody(), Errors.class);
    return answer.getErrors().get(0);
  }

  private static void readPages(Site2SiteApi group) throws ApiException {
    List<String> names = new ArrayList<>();
    Long cursor = 0L;
    while (cursor != null && names.size() < 3) {
      ClientSite2SitePage page =
          group.getClientsSite2SitePage(
              cursor, 1, null, null, ClientStatus.VALID, null, null, null, null, null, null);
      page.getClients().forEach(one -> names.add(one.getName()));
      cursor = page.getCursor().getNext();
    }
    check(names.equals(List.of("site-rio", "site-sul")), names);
  }

  /** Makes an OpenVPN server of a model of its own, and the client a site of it. */
  private static void connect(ApiClient client, long ca, long id) throws Exception {
    String template = "port {{.Port}}\nproto {{.Proto}}\n";
    InstanceModel model =
        new InstanceModelsApi(client)
            .createInstanceModel(new InstanceModelCreate().name("curto").template(template), null, null);
    check(model.getTemplate().equals(template), model);
    InstanceCreate asked = new InstanceCreate().caId(ca).name("vpn-matriz").network("10.8.0.0/24");
    asked.modelId(model.getId()).remotes(new LinkedHashSet<>(List.of("vpn.example.com", "vpn2.example.com")));
    Instance instance = new InstancesApi(client).createInstance(asked, null, null);
    check(instance.getControlChannel() == InstanceControlChannel.TLS_CRYPT_V2, instance);
    Site2SiteApi group = new Site2SiteApi(client);
    ClientSite2SiteConfigUpdate change = new ClientSite2SiteConfigUpdate().iroutes(List.of("10.1.0.0/24"));
    ClientSite2SiteConfig config = group.updateClientSite2SiteConfig(id, instance.getId(), change, null, null);
    check(config.getStaticIp().equals("10.8.0.2") && config.getProfileFetchedAt() == null, config);
    keep("site-rio.ovpn", group.getClientSite2SiteProfile(id, null, null, null, null));
  }

  private static void keep(String name, File file) throws IOException {
    Files.move(file.toPath(), Path.of(variable("FOLDER"), name));
  }

  /** Imports a file with a faulty row: all or none, then what is good. */
  private static void importDevices(DevicesApi group) throws ApiException {
    File file = new File(variable("DEVICES"));
    try {
      group.importPamDevices(file, null, null, null);
      throw new IllegalStateException("the import of all");
    } catch (ApiException conflict) {
      FieldError fault = conflictOf(conflict);
      check(fault.getField().equals("rows[3].ip"), fault);
    }
    PamDeviceImport report = group.importPamDevices(file, null, false, null);
    check(report.getCreated() == 2 && report.getErrors().get(0).getRow() == 3, report);
  }

  private static void walkVault() throws chaveiro.pam.ApiException {
    chaveiro.pam.ApiClient client = new chaveiro.pam.ApiClient().setBasePath(variable("CHAVEIRO_URL") + "/iso");
    TokenRequest grant =
        new TokenRequest()
            .grantType(GrantType.CLIENT_CREDENTIALS)
            .clientId(variable("CLIENT_ID"))
            .clientSecret(variable("CLIENT_SECRET"));
    client.setBearerToken(new AuthApi(client).createToken(grant).getAccessToken());
    chaveiro.pam.api.DevicesApi group = new chaveiro.pam.api.DevicesApi(client);
    DeviceUpsert device =
        new DeviceUpsert()
            .hostname("roteador")
            .ip("192.0.2.9")
            .model("RB5009")
            .type("Router")
            .vendor("MikroTik")
            .site("Rio");
    String made = upsert(group, device);
    check(made.equals("roteador"), made);
    try {
      upsert(group, device.ip(""));
      throw new IllegalStateException("a device without an address");
    } catch (chaveiro.pam.ApiException refused) {
      ErrorAnswer answer = chaveiro.pam.JSON.deserialize(refused.getResponseBody(), ErrorAnswer.class);
      check(requireNonNull(answer.getException()).getCode() == 1005, answer);
    }
    check(group.listDevices().getDevices().size() == 3, group.listDevices());
  }

  private static String upsert(chaveiro.pam.api.DevicesApi group, DeviceUpsert device)
      throws chaveiro.pam.ApiException {
    return group
        .upsertDevice(null, null, null, null, null, null, null, null, null, null, device)
        .getDevice()
        .getHostname();
  }

  /** Reads answers of a later version: with another field, and with another value of an enum. */
  private static void readLaterVersion() {
    String page = "{\"current\":0,\"next\":null,\"previous\":null,\"later\":1}";
    Cursor cursor = chaveiro.api.JSON.deserialize(page, Cursor.class);
    check(cursor.getCurrent() == 0, cursor);
    String text = "{\"field\":\"name\",\"type\":\"later\",\"msg\":\"\"}";
    FieldError fault = chaveiro.api.JSON.deserialize(text, FieldError.class);
    check(fault.getType() == FieldErrorType.UNKNOWN_DEFAULT_OPEN_API, fault);
  }

  private static String variable(String name) {
    return requireNonNull(System.getenv(name), name);
  }

  private static void check(boolean holds, Object found) {
    if (!holds) {
      throw new IllegalStateException(String.valueOf(found));
    }
  }
}
