// A client of RowndAuth: verifies, trades and renews tokens, and reads a user.
//
// NOT BUILT OR RUN by this repository's tests, which have no .NET: they compare its names with the
// protos. Written after the documentation of Grpc.Net.Client. The other clients beside it are run.

using System.Net.Sockets;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;
using Rownd.Auth.V1;

// For a call with all of its tries.
var deadline = TimeSpan.FromSeconds(5);

var target = Environment.GetEnvironmentVariable("AUTHZ_TARGET")!;
var secret = File.ReadAllText(Environment.GetEnvironmentVariable("AUTHZ_SECRET_FILE")!).Trim();

using var channel = Connect(target);
if (args is ["management"])
{
    await Management.Run(Attempt, channel, Call);
    return;
}
var token = Environment.GetEnvironmentVariable("TOKEN")!;
var thirdPartyToken = Environment.GetEnvironmentVariable("THIRD_PARTY_TOKEN")!;
var stub = new RowndAuth.RowndAuthClient(channel);

await Attempt("verify", () => Verify(token));
await Attempt("verify nonsense", () => Verify("nonsense"));
await Attempt("exchange and refresh", async () =>
{
    var grant = new ThirdPartyTokenGrant { Token = thirdPartyToken };
    var tokens = await Exchange(new ExchangeRequest { ThirdPartyToken = grant });
    return await Refresh(tokens.RefreshToken);
});
await Attempt("refresh nonsense", () => Refresh("nonsense"));
await Attempt("user", () => User(token));

CallOptions Call() => new(
    headers: new Metadata { { "authorization", $"Bearer {secret}" } },
    deadline: DateTime.UtcNow + deadline);

async Task<string> Verify(string token)
{
    var answer = await stub.VerifyAsync(new VerifyRequest { Token = token }, Call());
    return answer.OutcomeCase == VerifyResponse.OutcomeOneofCase.Identity
        ? $"{answer.Identity.UserId} {answer.Identity.AuthLevel}"
        : $"denied {answer.Denial.Reason}";
}

async Task<Tokens> Exchange(ExchangeRequest request) =>
    (await stub.ExchangeAsync(request, Call())).Tokens;

async Task<string> Refresh(string token)
{
    var grant = new RefreshTokenGrant { RefreshToken = token };
    var tokens = await Exchange(new ExchangeRequest { RefreshToken = grant });
    return await Verify(tokens.AccessToken);
}

async Task<string> User(string token)
{
    var mask = new FieldMask { Paths = { "id", "data", "memberships" } };
    var request = new GetUserRequest { Token = token, ReadMask = mask };
    var user = (await stub.GetUserAsync(request, Call())).User;
    var groups = string.Join(",", user.Memberships.Select(place => place.GroupId));
    return $"{user.Id} {user.Data.Fields["email"].StringValue} {groups}";
}

// The code of an error, its reason, and whether it is worth trying again.
static string Explain(RpcException error)
{
    var status = error.GetRpcStatus();
    var said = error.StatusCode.ToString();
    if (status?.GetDetail<ErrorInfo>() is { } info)
        said += $" {info.Reason}";
    if (status?.GetDetail<RetryInfo>() is { } retry)
        said += $", retry in {(long)retry.RetryDelay.ToTimeSpan().TotalMilliseconds} ms";
    return said;
}

static async Task Attempt(string what, Func<Task<string>> call)
{
    try
    {
        Console.WriteLine($"{what}: {await call()}");
    }
    catch (RpcException error)
    {
        Console.WriteLine($"{what}: {Explain(error)}");
    }
}

static GrpcChannel Connect(string target)
{
    var options = new GrpcChannelOptions { ServiceConfig = new ServiceConfig() };
    // Verify and GetUser may be asked again. Exchange never: what it trades works once.
    options.ServiceConfig.MethodConfigs.Add(new MethodConfig
    {
        Names =
        {
            new MethodName { Service = "rownd.auth.v1.RowndAuth", Method = "Verify" },
            new MethodName { Service = "rownd.auth.v1.RowndAuth", Method = "GetUser" },
        },
        RetryPolicy = new RetryPolicy
        {
            MaxAttempts = 3,
            InitialBackoff = TimeSpan.FromSeconds(0.1),
            MaxBackoff = TimeSpan.FromSeconds(1),
            BackoffMultiplier = 2,
            RetryableStatusCodes = { StatusCode.Unavailable },
        },
    });
    if (!target.StartsWith("unix://"))
        return GrpcChannel.ForAddress($"http://{target}", options);
    options.HttpHandler = new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellation) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(target["unix://".Length..]), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    };
    return GrpcChannel.ForAddress("http://localhost", options);
}
